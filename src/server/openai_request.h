// From the bytes of an OpenAI request to what the engine generates. Every error names the field at fault.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "infer/generation.h"
#include "server/openai_types.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::server {

/// What the requests are measured against.
struct RequestLimits {
  int64_t max_context = 0;
  int64_t vocab_size = 0;
  double timeout_seconds = 0;
};

/// Throw ApiFailure: malformed JSON, wrong types and ranges, and any field that is unknown or not supported.
ChatRequest parse_chat_request(std::string_view body);
CompletionRequest parse_completion_request(std::string_view body);

/// One engine request per prompt.
struct PreparedRequest {
  std::vector<infer::GenerationRequest> prompts;
  std::vector<std::string> echo;      // the text of each prompt when it is to be repeated, else empty
  std::vector<std::string> warnings;  // what is done otherwise than it was asked for
};

/// Throw ApiFailure, also when the prompt leaves no room for an answer in the context.
/// `chat_template` null: the model cannot chat.
PreparedRequest prepare(const ChatRequest& request, const text::Tokenizer& tokenizer,
                        const text::ChatTemplate* chat_template, const RequestLimits& limits);
PreparedRequest prepare(const CompletionRequest& request, const text::Tokenizer& tokenizer,
                        const RequestLimits& limits);

}  // namespace maru::server
