// Reading request bodies: JSON, unknown and unsupported fields, types and ranges.
#include "api/openai/fields.h"
#include "api/openai/request.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

template <class T>
T parse(std::string_view body, const http::BodyFields& fields, bool ignore_unknown) {
  std::vector<std::string> warnings;
  T request = http::read_fields<T>(http::take_fields(http::read_object(body), fields, ignore_unknown, warnings));
  request.warnings = std::move(warnings);
  return request;
}

template <class T>
void check_common(const T& request) {
  if (request.model.empty()) refuse("you must provide a model parameter", "model", "missing_required_parameter");
  if (request.stream_options && !request.stream)
    refuse("'stream_options' is only allowed when 'stream' is true", "stream_options", "invalid_value");
  if (request.prompt_logprobs && request.stream)
    refuse("'prompt_logprobs' is only allowed when 'stream' is false", "prompt_logprobs", "invalid_value");
  if (request.truncate_prompt_tokens == 0)
    refuse("truncate_prompt_tokens: expected -1 or at least 1, got 0", "truncate_prompt_tokens");
}

}  // namespace

void check_messages(const ChatRequest& request) {
  if (!request.messages.is_array()) refuse("messages: expected a list of messages", "messages", "invalid_value");
  if (request.messages.empty()) refuse("'messages' must hold at least one message", "messages", "invalid_value");
}

void check_chat_request(const ChatRequest& request) {
  check_common(request);
  check_messages(request);
  if (request.top_logprobs && !request.logprobs)
    refuse("'top_logprobs' is only allowed when 'logprobs' is true", "top_logprobs", "invalid_value");
  if (request.truncation_side == "right")
    refuse("truncation_side: of a chat the end is kept, where the answer begins; expected left, got \"right\"",
           "truncation_side", "unsupported_parameter");
}

ChatRequest parse_chat_request(std::string_view body, bool ignore_unknown) {
  ChatRequest request = parse<ChatRequest>(body, chat_fields(), ignore_unknown);
  check_chat_request(request);
  return request;
}

CompletionRequest parse_completion_request(std::string_view body, bool ignore_unknown) {
  CompletionRequest request = parse<CompletionRequest>(body, completion_fields(), ignore_unknown);
  check_common(request);
  if (request.prompt.is_null()) refuse("you must provide a prompt parameter", "prompt", "missing_required_parameter");
  if (request.best_of && *request.best_of != request.n)
    refuse("best_of: expected as many as n, which is " + std::to_string(request.n) + ", got " +
               std::to_string(*request.best_of),
           "best_of", "unsupported_parameter");
  return request;
}

}  // namespace maru::api::openai
