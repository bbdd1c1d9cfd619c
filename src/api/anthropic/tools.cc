#include "api/anthropic/tools.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::anthropic {
namespace {

/// Throws for a field that is not among these.
template <size_t kSize>
void check_fields(const JsonNode& node, const std::array<std::string_view, kSize>& known) {
  for (const auto& [name, field] : node.members())
    if (std::find(known.begin(), known.end(), name) == known.end()) field.refuse("is not supported by this server");
}

Json function_of(const JsonNode& tool) {
  constexpr std::array<std::string_view, 7> kFields{"type",          "name",   "description",          "input_schema",
                                                    "cache_control", "strict", "eager_input_streaming"};
  if (const JsonNode type = tool.object()["type"]; type.string("custom") != "custom")
    type.fail("\"custom\", as this server takes only tools that the client runs");
  check_fields(tool, kFields);
  const JsonNode name = tool["name"], description = tool["description"];
  if (name.string().empty()) name.fail("a name");
  Json function{{"name", name.string()}};
  if (!description.is_null()) function["description"] = description.string();
  if (tool["strict"].boolean(false)) function["strict"] = true;
  function["parameters"] = tool["input_schema"].object().json();
  return {{"type", "function"}, {"function", std::move(function)}};
}

}  // namespace

Json read_tools(const Json& tools) {
  if (tools.is_null()) return nullptr;
  const JsonNode list = JsonNode::of_request(tools, "tools");
  if (!list.is_array()) list.fail("a list of tools");
  Json functions = Json::array();
  for (const JsonNode& tool : list.elements()) functions.push_back(function_of(tool));
  return functions;
}

void read_tool_choice(const Json& choice, serving::Conversation& to) {
  using Kind = serving::ToolChoice::Kind;
  constexpr std::array<std::string_view, 3> kFields{"type", "name", "disable_parallel_tool_use"};
  if (choice.is_null()) return;
  const JsonNode node = JsonNode::of_request(choice, "tool_choice");
  const JsonNode type = node.object()["type"];
  check_fields(node, kFields);
  to.one_call = node["disable_parallel_tool_use"].boolean(false);
  if (type.string() == "any")
    to.tool_choice.kind = Kind::kRequired;
  else if (type.string() == "none")
    to.tool_choice.kind = Kind::kNone;
  else if (type.string() == "tool")
    to.tool_choice = {.kind = Kind::kNamed, .name = node["name"].string()};
  else if (type.string() != "auto")
    type.fail("\"auto\", \"any\", \"tool\" or \"none\"");
}

void read_thinking(const Json& thinking, serving::Conversation& to) {
  constexpr std::array<std::string_view, 2> kFields{"type", "budget_tokens"};
  to.reasons = false;
  if (thinking.is_null()) return;
  const JsonNode node = JsonNode::of_request(thinking, "thinking");
  const JsonNode type = node.object()["type"], budget = node["budget_tokens"];
  check_fields(node, kFields);
  if (type.string() == "disabled") return;
  if (type.string() == "adaptive")
    to.reasons.reset();
  else if (type.string() == "enabled")
    to.reasons = true;
  else
    type.fail("\"enabled\", \"adaptive\" or \"disabled\"");
  if (budget.is_null()) return;
  budget.integer({.low = 1});
  to.warnings.emplace_back("thinking.budget_tokens: not kept; max_tokens bounds thinking and answer together");
}

}  // namespace maru::api::anthropic
