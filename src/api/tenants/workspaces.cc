#include "platform/workspaces.h"

#include <fmt/format.h>

#include "api/tenants/answers.h"
#include "api/tenants/routes.h"
#include "base/json.h"
#include "base/long_wait.h"
#include "platform/members.h"

namespace maru::api::tenants {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using platform::HomeDatabase;
using platform::HomeKeys;
using platform::Member;
using platform::Members;
using platform::Project;
using platform::Workspace;
using platform::Workspaces;

struct NewWorkspaceRequest {
  std::string name, description;
  static constexpr auto fields() {
    using C = NewWorkspaceRequest;
    return std::tuple{field("name", &C::name, "unlike any other; letters of any script, digits, '-', '_' and '.'"),
                      field("description", &C::description, "for people")};
  }
};

struct NewProjectRequest {
  std::string name, description;
  static constexpr auto fields() {
    using C = NewProjectRequest;
    return std::tuple{field("name", &C::name, "unlike any other of the workspace"),
                      field("description", &C::description, "for people")};
  }
};

struct MemberRequest {
  std::string role;
  static constexpr auto fields() {
    return std::tuple{field("role", &MemberRequest::role, "what their keys may do at most").one_of(platform::kRoles)};
  }
};

template <class T>
T read(const Request& request) {
  return http::read_fields<T>(http::read_object(request.body));
}

Reply one(const Json& answer) { return {http::Response{.body = http::to_line(answer)}}; }

Reply list_workspaces(HomeDatabase& home, const Request& request) {
  const Principal actor = actor_of(request);
  const Page page = page_of(request);
  return page_answer(
      Workspaces(home).list(actor.is_operator() ? std::nullopt : std::optional(actor.tenant), page.after, page.limit),
      page, [](const Workspace& w) { return w.name; });
}

Reply show_workspace(HomeDatabase& home, const Request& request) {
  return one(to_json(Workspaces(home).find(workspace_of(request))));
}

Reply create_workspace(HomeDatabase& home, const Request& request) {
  const auto body = read<NewWorkspaceRequest>(request);
  return one(to_json(Workspaces(home).create(body.name, body.description, actor_of(request).key)));
}

Reply list_projects(HomeDatabase& home, const Request& request) {
  const Page page = page_of(request);
  return page_answer(Workspaces(home).projects(workspace_of(request), page.after, page.limit), page,
                     [](const Project& p) { return p.name; });
}

Reply create_project(HomeDatabase& home, const Request& request) {
  const std::string& workspace = workspace_of(request);
  const auto body = read<NewProjectRequest>(request);
  return one(to_json(Workspaces(home).create_project(workspace, body.name, body.description, actor_of(request).key)));
}

Reply remove_project(HomeDatabase& home, const Request& request) {
  Workspaces(home).remove_project(workspace_of(request), request.arguments[1], actor_of(request).key);
  return done("deleted", request.arguments[1]);
}

Reply list_members(HomeDatabase& home, const Request& request) {
  const Page page = page_of(request);
  return page_answer(Members(home).list(workspace_of(request), page.after, page.limit), page,
                     [](const Member& m) { return m.kind + " " + m.name; });
}

Reply set_member(HomeDatabase& home, const Request& request) {
  const std::string& workspace = workspace_of(request);
  return one(to_json(Members(home).set(workspace, request.arguments[1], request.arguments[2],
                                       read<MemberRequest>(request).role, actor_of(request))));
}

Reply remove_member(HomeDatabase& home, const Request& request) {
  Members(home).remove(workspace_of(request), request.arguments[1], request.arguments[2], actor_of(request));
  return done("removed", request.arguments[2]);
}

Reply remove_workspace(HomeDatabase& home, const Request& request) {
  Workspaces(home).remove(workspace_of(request), actor_of(request).key);
  return done("deleted", request.arguments[0]);
}

}  // namespace

void add_workspace_routes(http::Router& router, HomeDatabase& home, HomeKeys& keys) {
  const auto add = [&](Method method, const std::string& pattern, std::string_view scope, auto answer, const char* doc,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = pattern,
                .handler =
                    [&home, &keys, method, answer](const Request& request, const http::Wake&) {
                      const LongWait wait(request.waits);  // for others who write
                      Reply reply = answer(home, request);
                      if (method != Method::kGet) keys.renew();  // roles and workspaces decide what keys may do
                      return reply;
                    },
                .scope = scope,
                .doc = doc,
                .body = body});
  };
  const std::string below = kWorkspace;
  add(Method::kGet, kWorkspaces, "read", list_workspaces, "the key's workspace; an operator's: all, ?after=, ?limit=");
  add(Method::kPost, kWorkspaces, "*", create_workspace, "make a workspace", http::body_schema<NewWorkspaceRequest>);
  add(Method::kGet, kWorkspace, "read", show_workspace, "a workspace");
  add(Method::kDelete, kWorkspace, "*", remove_workspace,
      "delete a workspace without repositories, its members and keys");
  add(Method::kGet, below + "/projects", "read", list_projects, "its projects: ?after=, ?limit=");
  add(Method::kPost, below + "/projects", "admin", create_project, "make a project",
      http::body_schema<NewProjectRequest>);
  add(Method::kDelete, below + "/projects/{project}", "admin", remove_project, "delete a project that no key is of");
  add(Method::kGet, below + "/members", "read", list_members, "who is in it, and as what: ?after=, ?limit=");
  add(Method::kPut, below + "/members/{kind}/{name}", "admin", set_member,
      "add a user or service, or change their role", http::body_schema<MemberRequest>);
  add(Method::kDelete, below + "/members/{kind}/{name}", "admin", remove_member,
      "take somebody out of it, and revoke their keys");
}

}  // namespace maru::api::tenants
