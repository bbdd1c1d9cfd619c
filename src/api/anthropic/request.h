// The request of Anthropic's Messages API, and what the engine generates for it. Every error names the field at fault.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "serving/conversation.h"
#include "serving/model_host.h"

namespace maru::api::anthropic {

struct MessagesRequest {
  std::string model;
  Json messages, system;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop_sequences;
  bool stream = false;
  double temperature = 1, top_p = 1;
  int64_t top_k = 0;
  bool receipt = false;
  Json cache_control, metadata, service_tier, tools, tool_choice, thinking;

  static constexpr auto fields() {
    using C = MessagesRequest;
    return std::tuple{
        field("model", &C::model, "the id of a model that /v1/models lists"),
        field("messages", &C::messages, "the conversation so far; a last one of the assistant is gone on with"),
        field("system", &C::system, "what the model is told before the conversation: text, or text blocks"),
        field("max_tokens", &C::max_tokens, "the answer's greatest length in tokens").range(1, 1 << 30),
        field("stop_sequences", &C::stop_sequences, "up to 16 strings before which the answer ends"),
        field("stream", &C::stream, "send the answer as it comes"),
        field("temperature", &C::temperature, "0: always the likeliest token").range(0, 1),
        field("top_p", &C::top_p, "sample from the likeliest tokens with this much probability together").range(0, 1),
        field("top_k", &C::top_k, "sample from this many likeliest tokens; 0: all").range(0, 1 << 30),
        field("receipt", &C::receipt, "the answer comes with a signed receipt of where it came from"),
        field("cache_control", &C::cache_control, "accepted and ignored"),
        field("metadata", &C::metadata, "accepted and ignored"),
        field("service_tier", &C::service_tier, "accepted and ignored"),
        field("tools", &C::tools, "what the model may call and the client runs: name, description, input_schema"),
        field("tool_choice", &C::tool_choice,
              "type: auto, or none (the tools are left out); any and tool are refused; disable_parallel_tool_use"),
        field("thinking", &C::thinking, "type: enabled, adaptive or disabled; without it the model is not to think")};
  }
};

/// Throws   RequestFailure: malformed JSON, wrong types and ranges, unknown fields, and what is not supported.
MessagesRequest parse_messages_request(std::string_view body);

/// Messages as chat templates read them (messages.h), the system prompt the first.
///
/// Throws   RequestFailure naming the field; images and other blocks are refused by their type.
serving::Conversation read_conversation(const MessagesRequest& request);

struct PreparedRequest {
  infer::GenerationRequest generation;
  text::AnswerReading reading;
  std::vector<std::string> warnings;
};

/// Throws   RequestFailure, also when the prompt leaves no room for an answer.
PreparedRequest prepare(const MessagesRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);

}  // namespace maru::api::anthropic
