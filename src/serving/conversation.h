// From a conversation to the tokens of a prompt, by the model's own chat template. What every dialect's chats have in
// common once their words are read.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::serving {

/// Messages in the form that chat templates read: {"role", "content": text, "tool_calls", …}. Lists that are null are
/// not given to the template; they must outlive the call.
struct Conversation {
  Json messages;
  const Json* tools = nullptr;
  const Json* documents = nullptr;
  const Json* variables = nullptr;  // further ones of the template
  bool begin_answer = true;         // the prompt ends where the assistant begins
  bool continue_last = false;       // instead it ends inside of the last message
  std::vector<std::string> warnings;
};

struct ChatPrompt {
  std::vector<int32_t> tokens;
  std::vector<std::string> warnings;  // the conversation's, and what the template does not show to the model
};

/// Throws   RequestFailure naming "messages" or one of them when the template cannot say it, when it makes an empty
///          text, and when the model has no template (null); Failure with kDeadline when the template takes too long.
ChatPrompt chat_prompt(Conversation conversation, const text::Tokenizer& tokenizer,
                       const text::ChatTemplate* chat_template);
/// Whether the template names a variable or a role, e.g. "developer". Throws as chat_prompt when there is none.
bool mentions(const text::ChatTemplate* chat_template, std::string_view word, const Conversation& conversation);

}  // namespace maru::serving
