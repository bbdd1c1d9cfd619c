#include "serving/tool_choice.h"

#include <algorithm>

#include "base/excerpt.h"
#include "base/request_failure.h"

namespace maru::serving {
namespace {

bool has_tool(const Json& tools, const std::string& name) {
  return std::any_of(tools.begin(), tools.end(), [&](const Json& tool) { return tool["function"]["name"] == name; });
}

}  // namespace

void check_tool_choice(const ToolChoice& choice, const Json& tools) {
  if (choice.kind == ToolChoice::Kind::kAuto || choice.kind == ToolChoice::Kind::kNone) return;
  if (!tools.is_array() || tools.empty())
    refuse("tool_choice: is only allowed when there are tools", "tool_choice", "invalid_value");
  if (choice.kind == ToolChoice::Kind::kNamed && !has_tool(tools, choice.name))
    refuse("tool_choice: no tool is called \"" + excerpt(choice.name) + "\"", "tool_choice", "invalid_value");
}

}  // namespace maru::serving
