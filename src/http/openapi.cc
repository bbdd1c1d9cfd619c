#include "http/openapi.h"

#include <utility>

#include "base/json.h"
#include "base/schema.h"

namespace maru::http {
namespace {

Json path_parameters(std::string_view pattern) {
  Json parameters = Json::array();
  for (size_t open; (open = pattern.find('{')) != std::string_view::npos;) {
    pattern.remove_prefix(open + 1);
    const std::string_view name = pattern.substr(0, pattern.find_first_of("*}"));
    parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

Json json_content(Json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

Json responses_of(const Dialect& dialect, Schemas& schemas) {
  Json error{{"description", "what went wrong"}};
  if (dialect.error_schema != nullptr) error["content"] = json_content(dialect.error_schema(schemas));
  return {{"2XX", {{"description", "the answer"}}}, {"default", std::move(error)}};
}

Json operation_of(const Route& route, const Dialect& dialect, Schemas& schemas) {
  Json operation{{"summary", route.doc}};
  if (Json parameters = path_parameters(route.pattern); !parameters.empty())
    operation["parameters"] = std::move(parameters);
  if (route.body != nullptr)
    operation["requestBody"] = {{"required", true}, {"content", json_content(route.body(schemas))}};
  if (route.sink) operation["requestBody"] = {{"required", true}, {"content", {{"*/*", Json::object()}}}};
  operation["responses"] = responses_of(dialect, schemas);
  return operation;
}

/// As OpenAPI writes it, which has no word for the rest of a path.
std::string template_of(std::string pattern) {
  std::erase(pattern, '*');
  return pattern;
}

}  // namespace

Json openapi(const Router& router, const std::string& version) {
  Schemas schemas("#/components/schemas/");
  Json paths = Json::object();
  for (const Route& route : router.routes())
    paths[template_of(route.pattern)][lower_case(name_of(route.method))] =
        operation_of(route, router.dialect_of(route), schemas);
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "Maru"}, {"version", version}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", schemas.all()}}}};
}

void check_schemas(const Router& router) {
  Schemas schemas("");
  for (const Route& route : router.routes()) try {
      operation_of(route, router.dialect_of(route), schemas);
    } catch (const Failure& failure) {
      throw Failure(failure.code(),
                    std::string(name_of(route.method)) + " " + route.pattern + ": " + failure.error().message);
    }
}

void add_openapi_route(Router& router, std::string version) {
  router.add(
      {.pattern = "/openapi.json",
       .handler = [&router, version = std::move(version)](
                      const Request&, const Wake&) { return Reply{Response{.body = openapi(router, version).dump()}}; },
       .doc = "this table of routes, for programs"});
}

}  // namespace maru::http
