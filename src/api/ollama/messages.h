// The messages and tools of Ollama's chats, as chat templates read them.
#pragma once
#include "base/json.h"

namespace maru::api::ollama {

/// {"role", "content", "thinking", "tool_calls", "tool_name", "tool_call_id"}: calls without an id get one, and what
/// tools returned without one answers the calls in their order.
///
/// Throws   RequestFailure naming the field; images are refused.
Json read_messages(const Json& messages);

/// {"type": "function", "function": {"name", "description", "parameters"}}; null where there are none.
///
/// Throws   RequestFailure naming the field.
Json read_tools(const Json& tools);

}  // namespace maru::api::ollama
