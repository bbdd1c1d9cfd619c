// The tools of a messages request, and what it wants of them.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "serving/conversation.h"

namespace maru::api::anthropic {

/// {"name", "description", "input_schema"} as the functions that chat templates read; null where there are none.
///
/// Throws   RequestFailure naming the field; tools that the server would have to bring along are refused by their type.
Json read_tools(const Json& tools);
/// {"type": "auto" | "any" | "tool" | "none", "name", "disable_parallel_tool_use"}.
///
/// Throws   RequestFailure naming the field.
void read_tool_choice(const Json& choice, serving::Conversation& to);
/// {"type": "enabled" | "adaptive" | "disabled", "budget_tokens"}: whether the model is to reason. Without it, it is
/// not.
///
/// Throws   RequestFailure naming the field.
void read_thinking(const Json& thinking, serving::Conversation& to);

}  // namespace maru::api::anthropic
