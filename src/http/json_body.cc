#include "http/json_body.h"

#include <utility>

namespace maru::http {

Json read_object(std::string_view body) {
  Result<Json> parsed = parse_json(body, "request body", kRequestJson);
  if (!parsed) refuse("could not parse the JSON body of the request: " + parsed.error().message, "", "invalid_json");
  if (!parsed->is_object()) refuse("the request body: expected a JSON object", "", "invalid_json");
  Json kept = Json::object();
  for (auto& [name, value] : parsed->items())
    if (!value.is_null()) kept[name] = std::move(value);
  return kept;
}

std::string to_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace maru::http
