#include "platform/entities.h"

#include <fmt/format.h>

#include "api/nemo/error.h"
#include "api/nemo/listing.h"
#include "api/nemo/resources.h"
#include "api/nemo/routes.h"
#include "base/long_wait.h"
#include "base/request_failure.h"
#include "http/asker.h"
#include "http/json_body.h"

namespace maru::api::nemo {
namespace {

using http::Request;
using platform::Entity;
using platform::EntityName;

/// Where an entity is that says no namespace.
std::string own_workspace(const Request& request) { return request.principal ? request.principal->tenant : "default"; }

EntityName name_in(const Resource& resource, const Request& request) {
  EntityName name{request.arguments[0], std::string(resource.type), request.arguments[1]};
  if (!may_enter(request, name.workspace))
    throw RequestFailure(ErrorCode::kNotFound, name.text() + ": there is none of this name", "name", "");
  return name;
}

std::string take(Json& body, const char* field) {
  std::string text = body.value(field, "");
  body.erase(field);
  return text;
}

Json shown(const Entity& entity) {
  Json answer{{"id", entity.id},
              {"created_at", entity.created_at},
              {"updated_at", entity.updated_at},
              {"namespace", entity.name.workspace},
              {"name", entity.name.name}};
  if (!entity.project.empty()) answer["project"] = entity.project;
  for (const auto& [key, value] : entity.data.items()) answer[key] = value;
  Json& ownership = answer["ownership"];
  if (!ownership.contains("created_by")) ownership["created_by"] = entity.created_by;
  if (!ownership.contains("updated_by")) ownership["updated_by"] = entity.updated_by;
  return answer;
}

platform::Entities entities_of(platform::HomeDatabase& home) { return platform::Entities(home.reach()); }

http::Reply answer(const Json& json) { return {http::Response{.body = http::to_line(json)}}; }

void apply(const Resource& resource, Json& data, Json changes, bool is_new) {
  if (resource.apply != nullptr) return resource.apply(data, std::move(changes), is_new);
  for (auto& [key, value] : changes.items()) data[key] = std::move(value);
}

http::Reply create(const Resource& resource, platform::HomeDatabase& home, const Request& request) {
  Json body = resource.read(http::read_object(request.body));
  check_required(resource, body);
  Entity draft{.id = platform::new_entity_id(resource.id), .data = Json::object(), .created_by = author_of(request)};
  draft.name = {take(body, "namespace"), std::string(resource.type), take(body, "name")};
  draft.project = take(body, "project");
  if (draft.name.workspace.empty()) draft.name.workspace = own_workspace(request);
  if (draft.name.name.empty()) draft.name.name = draft.id;
  if (!may_enter(request, draft.name.workspace))
    throw RequestFailure(ErrorCode::kNotFound, "namespace: there is none of this name", "", "");
  apply(resource, draft.data, std::move(body), true);
  const LongWait wait(request.waits);  // for others who write
  return answer(shown(entities_of(home).create(std::move(draft))));
}

http::Reply find(const Resource& resource, platform::HomeDatabase& home, const Request& request) {
  return answer(shown(entities_of(home).find(name_in(resource, request))));
}

/// A name and a workspace are for ever: others refer to them.
void check_same(Json& body, const char* field, const std::string& now) {
  const std::string said = take(body, field);
  if (!said.empty() && said != now) refuse(fmt::format("{}: cannot be changed", field), field);
}

http::Reply change(const Resource& resource, platform::HomeDatabase& home, const Request& request) {
  Json body = resource.read(http::read_object(request.body));
  const EntityName name = name_in(resource, request);
  check_same(body, "namespace", name.workspace);
  check_same(body, "name", name.name);
  const LongWait wait(request.waits);
  return answer(shown(entities_of(home).update(name, author_of(request), [&](Entity& entity) {
    Json changes = body;
    if (std::string project = take(changes, "project"); !project.empty()) entity.project = std::move(project);
    apply(resource, entity.data, std::move(changes), false);
  })));
}

http::Reply remove(const Resource& resource, platform::HomeDatabase& home, const Request& request) {
  const LongWait wait(request.waits);
  const Entity gone = entities_of(home).remove(name_in(resource, request));
  return answer({{"message", gone.name.text() + ": deleted"}, {"id", gone.id}, {"deleted_at", gone.updated_at}});
}

http::Reply list(const Resource& resource, platform::HomeDatabase& home, const Request& request) {
  Listing listing = read_listing(resource, request);
  listing.query.workspace = only_workspace(request);
  const platform::EntityPage page = entities_of(home).list(listing.query);
  Json data = Json::array();
  for (const Entity& entity : page.entities) data.push_back(shown(entity));
  return answer(envelope(listing, std::move(data), page.total));
}

using Answer = http::Reply (*)(const Resource&, platform::HomeDatabase&, const Request&);

}  // namespace

void add_entity_routes(http::Router& router, platform::HomeDatabase& home) {
  for (const Resource& resource : resources()) {
    const auto add = [&](http::Method method, std::string_view rest, Answer answer, std::string doc) {
      const bool reads = method == http::Method::kGet,
                 has_body = method == http::Method::kPost || method == http::Method::kPatch;
      router.add({.method = method,
                  .pattern = fmt::format("{}{}{}", kPrefix, resource.path, rest),
                  .handler = [answer, &resource, &home](const Request& r,
                                                        const http::Wake&) { return answer(resource, home, r); },
                  .scope = reads ? "read" : "write",
                  .dialect = &kDialect,
                  .doc = std::move(doc),
                  .body = has_body ? resource.schema : nullptr});
    };
    using enum http::Method;
    constexpr std::string_view kOne = "/{namespace}/{name}";
    add(kPost, "", create, fmt::format("make {}", resource.doc));
    add(kGet, "", list, fmt::format("list: {}; ?page=, ?page_size=, ?sort=, ?filter[…]=, ?search[…]=", resource.doc));
    add(kGet, kOne, find, std::string(resource.doc));
    add(kPatch, kOne, change, fmt::format("change {}", resource.doc));
    add(kDelete, kOne, remove, fmt::format("delete {}; its files stay", resource.doc));
  }
}

}  // namespace maru::api::nemo
