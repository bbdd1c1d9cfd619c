#include "serving/tool_choice.h"

#include <algorithm>

#include "base/excerpt.h"
#include "base/request_failure.h"

namespace maru::serving {
namespace {

bool has_tool(const Json& tools, const std::string& name) {
  return std::any_of(tools.begin(), tools.end(), [&](const Json& tool) { return tool["function"]["name"] == name; });
}

// TO BE REPLACED where answers can be held to a grammar: then the answer is held to the calls that it may be. Until
// then nothing makes a model call, and an answer that was to be a call and is none would be worse than a refusal.
[[noreturn]] void refuse_forced_call() {
  refuse("tool_choice: only \"auto\" and \"none\": this server cannot make a model call a tool", "tool_choice",
         "unsupported_parameter");
}

}  // namespace

void check_tool_choice(const ToolChoice& choice, const Json& tools) {
  if (choice.kind == ToolChoice::Kind::kAuto || choice.kind == ToolChoice::Kind::kNone) return;
  if (!tools.is_array() || tools.empty())
    refuse("tool_choice: is only allowed when there are tools", "tool_choice", "invalid_value");
  if (choice.kind == ToolChoice::Kind::kNamed && !has_tool(tools, choice.name))
    refuse("tool_choice: no tool is called \"" + excerpt(choice.name) + "\"", "tool_choice", "invalid_value");
  refuse_forced_call();
}

}  // namespace maru::serving
