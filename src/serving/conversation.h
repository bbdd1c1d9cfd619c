// From a conversation to the tokens of a prompt, by the model's own chat template, and how the answer to it is to be
// read. What every dialect's chats have in common once their words are read.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/json_node.h"
#include "infer/grammar_processor.h"
#include "serving/chat_model.h"
#include "serving/tool_choice.h"
#include "text/chat/answer/answer_parser.h"

namespace maru::serving {

/// Messages in the form that chat templates read: {"role", "content": text, "tool_calls", …}.
struct Conversation {
  Json messages;
  Json tools;                       // [{"type": "function", "function": {"name", "parameters"}}]; null or empty: none
  ToolChoice tool_choice;           // of these tools
  bool one_call = false;            // the answer ends with its first call
  std::optional<JsonNode> schema;   // of the answer's text where it calls no tool; must outlive the call
  const Json* documents = nullptr;  // null: none are given to the template; must outlive the call
  Json variables;                   // an object: further ones of the template; null: none
  std::string effort;  // of reasoning, in the template's words; "none": it is not to reason; empty: as it has it
  std::optional<bool> reasons;  // whether the model is to reason first; empty: as its template has it
  bool begin_answer = true;     // the prompt ends where the assistant begins
  bool continue_last = false;   // instead it ends inside of the last message
  std::vector<std::string> warnings;
};

struct ChatPrompt {
  std::vector<int32_t> tokens;
  std::string text;  // of which they are the tokens
  text::AnswerReading reading;
  // Of calls that must be made, or made as their tools say, and of the text that may stand in their place.
  std::optional<infer::AnswerConstraint> constraint;
  std::vector<std::string> warnings;  // the conversation's, and what is done otherwise than it asks for
};

/// Throws   RequestFailure naming "messages" or one of them when the template cannot say it, when it makes an empty
///          text, and when the model has no template; "tools" when its template knows none; "tool_choice" (see there);
///          Failure with kDeadline when the template takes too long.
ChatPrompt chat_prompt(Conversation conversation, const ChatModel& model);
/// Whether the template names a variable or a role, e.g. "developer". Throws as chat_prompt when there is none.
bool mentions(const ChatModel& model, std::string_view word, const Conversation& conversation);

}  // namespace maru::serving
