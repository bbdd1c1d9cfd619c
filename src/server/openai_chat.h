// From the messages of a chat request to the tokens of the model's own chat template. Every error names the field.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "server/openai_types.h"
#include "text/chat/chat_template.h"

namespace maru::server {

struct ChatPrompt {
  std::vector<int32_t> tokens;
  std::vector<std::string> warnings;  // what the model is not shown as it was sent
};

/// Reads the messages (openai_messages.h), renders them with the tools and documents, and encodes the text.
///
/// Throws   ApiFailure: 400 with the template's own message for what it refuses; 504 when it does not end in time.
ChatPrompt chat_prompt(const ChatRequest& request, const text::Tokenizer& tokenizer,
                       const text::ChatTemplate* chat_template);

}  // namespace maru::server
