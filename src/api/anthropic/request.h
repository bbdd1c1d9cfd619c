// The request of Anthropic's Messages API, and what the engine generates for it. Every error names the field at fault.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "http/request_fields.h"
#include "serving/conversation.h"
#include "serving/model_host.h"

namespace maru::api::anthropic {

/// What the prompt is made of: all that /v1/messages/count_tokens reads.
struct PromptRequest {
  std::string model;
  Json messages, system, tools, tool_choice, thinking, output_config, output_format;
  std::vector<std::string> warnings;  // no field: what of the body is not acted upon

  static constexpr auto fields() {
    using C = PromptRequest;
    return std::tuple{
        field("model", &C::model, "the id of a model that /v1/models lists"),
        field("messages", &C::messages, "the conversation so far; a last one of the assistant is gone on with"),
        field("system", &C::system, "what the model is told before the conversation: text, or text blocks"),
        field("tools", &C::tools, "what the model may call and the client runs: name, description, input_schema"),
        field("tool_choice", &C::tool_choice,
              "type: auto, any, tool, or none (the tools are left out); disable_parallel_tool_use"),
        field("thinking", &C::thinking, "type: enabled, adaptive or disabled; without it the model is not to think"),
        field("output_config", &C::output_config,
              "format: a JSON Schema that the answer is held to; effort: a variable of the chat template"),
        field("output_format", &C::output_format, "the older name of output_config.format")};
  }
};

struct MessagesRequest : PromptRequest {
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop_sequences;
  bool stream = false;
  double temperature = 1, top_p = 1;
  int64_t top_k = 0;
  bool receipt = false;

  static constexpr auto fields() {
    using C = MessagesRequest;
    return std::tuple_cat(
        PromptRequest::fields(),
        std::tuple{field("max_tokens", &C::max_tokens, "the answer's greatest length in tokens").range(1, 1 << 30),
                   field("stop_sequences", &C::stop_sequences, "up to 16 strings before which the answer ends"),
                   field("stream", &C::stream, "send the answer as it comes"),
                   field("temperature", &C::temperature, "0: always the likeliest token").range(0, 1),
                   field("top_p", &C::top_p, "sample from the likeliest tokens with this much probability together")
                       .range(0, 1),
                   field("top_k", &C::top_k, "sample from this many likeliest tokens; 0: all").range(0, 1 << 30),
                   field("receipt", &C::receipt, "the answer comes with a signed receipt of where it came from")});
  }
};

/// The fields above, and those that Anthropic documents and this server does not act on.
const http::BodyFields& messages_fields();

/// Throw   RequestFailure: malformed JSON, wrong types and ranges, what is not supported, and unknown fields unless
///         `ignore_unknown`, which leaves a warning.
MessagesRequest parse_messages_request(std::string_view body, bool ignore_unknown = false);
PromptRequest parse_prompt_request(std::string_view body, bool ignore_unknown = false);

/// Messages as chat templates read them (messages.h), the system prompt the first.
///
/// Throws   RequestFailure naming the field; images and other blocks are refused by their type.
serving::Conversation read_conversation(const PromptRequest& request);

struct PreparedRequest {
  infer::GenerationRequest generation;
  text::AnswerReading reading;
  std::vector<std::string> warnings;
};

/// Throws   RequestFailure, also when the prompt leaves no room for an answer.
PreparedRequest prepare(const MessagesRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);

}  // namespace maru::api::anthropic
