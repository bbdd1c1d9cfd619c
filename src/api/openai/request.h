// From the bytes of an OpenAI request to what the engine generates. Every error names the field at fault.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/openai/types.h"
#include "infer/generation.h"
#include "serving/conversation.h"
#include "serving/fit.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::api::openai {

/// Throw RequestFailure: malformed JSON, wrong types and ranges, and any field that is not supported, or unknown unless
/// `ignore_unknown`, which leaves a warning.
ChatRequest parse_chat_request(std::string_view body, bool ignore_unknown = false);
CompletionRequest parse_completion_request(std::string_view body, bool ignore_unknown = false);
/// What parse_chat_request checks besides single fields.
void check_chat_request(const ChatRequest& request);
/// Of these, what it checks of the messages.
void check_messages(const ChatRequest& request);

/// One engine request per prompt.
struct PreparedRequest {
  std::vector<infer::GenerationRequest> prompts;
  std::vector<std::string> echo;      // the text of each prompt when it is to be repeated, else empty
  std::vector<std::string> texts;     // of each prompt; empty where it came as tokens
  text::AnswerReading reading;        // of a chat's answer
  std::vector<std::string> warnings;  // what is done otherwise than it was asked for
};

/// Throw RequestFailure, also when the prompt leaves no room for an answer in the context.
PreparedRequest prepare(const ChatRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);
PreparedRequest prepare(const CompletionRequest& request, const text::Tokenizer& tokenizer,
                        const serving::RequestLimits& limits);

}  // namespace maru::api::openai
