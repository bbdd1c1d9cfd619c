// Namespaces, which are workspaces.
#include <algorithm>

#include "api/nemo/error.h"
#include "api/nemo/listing.h"
#include "api/nemo/routes.h"
#include "base/long_wait.h"
#include "base/request_failure.h"
#include "http/asker.h"
#include "http/json_body.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::api::nemo {
namespace {

using http::Request;
using platform::Workspace;
using platform::Workspaces;

constexpr int64_t kMostWorkspaces = 1'000'000;

struct NemoNamespace {
  std::string id, description, project, schema_version;
  std::optional<std::string> namespace_;
  Json custom_fields, ownership;
  static constexpr auto fields() {
    using C = NemoNamespace;
    return std::tuple{field("id", &C::id, "the name of the workspace"),
                      field("description", &C::description, "for people"),
                      field("namespace", &C::namespace_, "accepted: it is its own").unless_empty(),
                      field("schema_version", &C::schema_version, "accepted"),
                      field("project", &C::project, "refused: a workspace is in none"),
                      field("custom_fields", &C::custom_fields, "refused: workspaces keep none"),
                      field("ownership", &C::ownership, "refused: a workspace is its members'")};
  }
};

Json shown(const Workspace& workspace) {
  return {{"id", workspace.name},
          {"created_at", workspace.created_at},
          {"updated_at", workspace.created_at},
          {"description", workspace.description},
          {"ownership", {{"created_by", workspace.created_by}}}};
}

http::Reply answer(const Json& json) { return {http::Response{.body = http::to_line(json)}}; }

/// Another's is one that is not there.
const std::string& name_in(const Request& request) {
  const std::string& name = request.arguments[0];
  if (!may_enter(request, name)) platform::missing_workspace(name);
  return name;
}

http::Reply create(platform::HomeDatabase& home, const Request& request) {
  const auto body = http::read_fields<NemoNamespace>(http::read_object(request.body));
  if (body.id.empty()) refuse("id: is missing", "id", "missing");
  if (!body.project.empty()) refuse("project: a workspace is in none", "project");
  if (!body.custom_fields.is_null()) refuse("custom_fields: workspaces keep none", "custom_fields");
  if (!body.ownership.is_null()) refuse("ownership: a workspace is its members'", "ownership");
  if (const Outcome named = platform::check_workspace_name("id", body.id); !named.ok())
    refuse(named.error().message, "id");
  const LongWait wait(request.waits);
  return answer(shown(Workspaces(home).create(body.id, body.description, author_of(request))));
}

http::Reply list(platform::HomeDatabase& home, const Request& request) {
  static constexpr std::string_view kNames[] = {"id"};
  const Resource resource{.type = "namespace",
                          .names = [] { return std::vector<std::string_view>(std::begin(kNames), std::end(kNames)); }};
  const Listing listing = read_listing(resource, request);
  if (!listing.query.conditions.empty()) refuse("filter: namespaces are listed whole", "filter");
  std::vector<Workspace> all = Workspaces(home).list(only_workspace(request), "", kMostWorkspaces);
  const auto& order = listing.query.order.front();
  if (order.path.front() != "name") std::ranges::stable_sort(all, {}, &Workspace::created_at);
  if (order.descending) std::ranges::reverse(all);
  const auto total = static_cast<int64_t>(all.size());
  Json data = Json::array();
  for (int64_t i = listing.query.offset; i < std::min(total, listing.query.offset + listing.query.limit); ++i)
    data.push_back(shown(all[static_cast<size_t>(i)]));
  return answer(envelope(listing, std::move(data), total));
}

http::Reply find(platform::HomeDatabase& home, const Request& request) {
  return answer(shown(Workspaces(home).find(name_in(request))));
}

http::Reply remove(platform::HomeDatabase& home, const Request& request) {
  const LongWait wait(request.waits);
  Workspaces(home).remove(name_in(request), author_of(request));
  return answer({{"message", "namespace " + request.arguments[0] + ": deleted"},
                 {"id", request.arguments[0]},
                 {"deleted_at", platform::utc_text(platform::utc_now())}});
}

}  // namespace

void add_namespace_routes(http::Router& router, platform::HomeDatabase& home) {
  const auto add = [&](http::Method method, std::string_view rest, std::string_view scope, auto answer, const char* doc,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = std::string(kPrefix) + "namespaces" + std::string(rest),
                .handler = [answer, &home](const Request& r, const http::Wake&) { return answer(home, r); },
                .scope = scope,
                .dialect = &kDialect,
                .doc = doc,
                .body = body});
  };
  using enum http::Method;
  add(kPost, "", "*", create, "make a namespace: a workspace", http::body_schema<NemoNamespace>);
  add(kGet, "", "read", list, "list: a namespace; ?page=, ?page_size=, ?sort=");
  add(kGet, "/{namespace}", "read", find, "a namespace");
  add(kDelete, "/{namespace}", "*", remove, "delete a namespace that holds nothing");
}

}  // namespace maru::api::nemo
