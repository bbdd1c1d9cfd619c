// The tools of a chat request, and what it wants of them.
#pragma once
#include "base/json.h"
#include "serving/tool_choice.h"

namespace maru::api::openai {

/// Functions as chat templates read them; null where there are none.
///
/// Throws   RequestFailure naming the field; tools that are no functions are refused by their type.
Json read_tools(const Json& tools);
/// "auto", "none", "required" or {"type": "function", "function": {"name"}}.
///
/// Throws   RequestFailure naming the field.
serving::ToolChoice read_tool_choice(const Json& choice);

}  // namespace maru::api::openai
