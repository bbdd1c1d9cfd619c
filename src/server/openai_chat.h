// From the messages of a chat request to the tokens of the model's own chat template. Every error names the field.
#pragma once
#include <cstdint>
#include <vector>

#include "server/openai_types.h"
#include "text/chat_template.h"

namespace maru::server {

/// Text parts become one string, arguments of tool calls given as JSON text become objects, and "developer" is "system"
/// for templates that do not know it. All else is left to the template.
///
/// Throws   ApiFailure: 400 with the template's own message for what it refuses.
std::vector<int32_t> chat_prompt(const ChatRequest& request, const text::Tokenizer& tokenizer,
                                 const text::ChatTemplate* chat_template);

}  // namespace maru::server
