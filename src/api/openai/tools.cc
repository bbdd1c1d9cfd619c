#include "api/openai/tools.h"

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

void check_function(const JsonNode& tool) {
  const JsonNode type = tool.object()["type"];
  if (type.string() != "function") type.fail("\"function\", as this server takes only tools that the client runs");
  const JsonNode function = tool["function"].object(), name = function["name"], parameters = function["parameters"];
  if (name.string().empty()) name.fail("a name");
  if (!parameters.is_null()) parameters.object();
  function["strict"].boolean(false);
}

}  // namespace

Json read_tools(const Json& tools) {
  if (tools.is_null()) return nullptr;
  const JsonNode list = JsonNode::of_request(tools, "tools");
  if (!list.is_array()) list.fail("a list of tools");
  for (const JsonNode& tool : list.elements()) check_function(tool);
  return tools;
}

serving::ToolChoice read_tool_choice(const Json& choice) {
  using Kind = serving::ToolChoice::Kind;
  if (choice.is_null() || choice == "auto") return {};
  if (choice == "none") return {.kind = Kind::kNone, .name = ""};
  if (choice == "required") return {.kind = Kind::kRequired, .name = ""};
  const JsonNode node = JsonNode::of_request(choice, "tool_choice");
  if (!node.is_object()) node.fail("\"auto\", \"none\", \"required\" or a function");
  if (const JsonNode type = node["type"]; type.string() != "function")
    refuse("tool_choice.type: this server takes only \"function\"", "tool_choice", "unsupported_parameter");
  return {.kind = Kind::kNamed, .name = node["function"].object()["name"].string()};
}

}  // namespace maru::api::openai
