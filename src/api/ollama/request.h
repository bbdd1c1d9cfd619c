// The requests of Ollama's /api/chat and /api/generate, and what the engine generates for them. Every error names the
// field at fault.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "api/ollama/options.h"
#include "base/fields.h"
#include "serving/conversation.h"

namespace maru::api::ollama {

/// What both share.
struct AskRequest {
  std::string model;
  Json options, format, think;
  bool stream = true;
  bool logprobs = false, receipt = false;
  std::optional<int64_t> top_logprobs;
  Json keep_alive, truncate, shift;

  static constexpr auto fields() {
    using C = AskRequest;
    return std::tuple{field("model", &C::model, "a model that /api/tags lists, with or without \":latest\""),
                      field("options", &C::options, "temperature, num_predict, stop and the like"),
                      field("format", &C::format, "\"json\", or a JSON Schema that the answer must fit"),
                      field("think", &C::think, "true, false, or how hard: reason first, or not"),
                      field("stream", &C::stream, "send the answer as it comes, a line of JSON for each piece"),
                      field("logprobs", &C::logprobs, "log-probabilities of the answer's tokens"),
                      field("top_logprobs", &C::top_logprobs, "and of this many likeliest ones").range(0, 20),
                      field("receipt", &C::receipt, "the answer comes with a signed receipt of where it came from"),
                      field("keep_alive", &C::keep_alive, "accepted and ignored: models stay"),
                      field("truncate", &C::truncate, "accepted and ignored: a prompt that is too long is refused"),
                      field("shift", &C::shift, "accepted and ignored: an answer ends where the context does")};
  }
};

struct OllamaChatRequest : AskRequest {
  Json messages, tools;

  static constexpr auto fields() {
    using C = OllamaChatRequest;
    return std::tuple_cat(
        AskRequest::fields(),
        std::tuple{
            field("messages", &C::messages, "the conversation so far; a last one of the assistant is gone on with"),
            field("tools", &C::tools, "functions that the model may call and the client runs")});
  }
};

struct OllamaGenerateRequest : AskRequest {
  std::string prompt, system, suffix, template_text;
  bool raw = false;
  Json context, images;

  static constexpr auto fields() {
    using C = OllamaGenerateRequest;
    return std::tuple_cat(
        AskRequest::fields(),
        std::tuple{field("prompt", &C::prompt, "what the model is asked"),
                   field("system", &C::system, "what the model is told before"),
                   field("raw", &C::raw, "the prompt is what the model sees, without its chat template"),
                   field("context", &C::context, "of an earlier answer: what was said until then"),
                   field("suffix", &C::suffix, "refused unless empty"),
                   field("template", &C::template_text, "refused unless empty"),
                   field("images", &C::images, "refused unless empty")});
  }
};

/// Throw   RequestFailure: malformed JSON, wrong types and ranges, unknown fields, and what is not supported.
OllamaChatRequest parse_chat_request(std::string_view body);
OllamaGenerateRequest parse_generate_request(std::string_view body);

/// Whether it only asks for the model to be there.
bool only_loads(const OllamaChatRequest& request);
bool only_loads(const OllamaGenerateRequest& request);

struct PreparedRequest {
  infer::GenerationRequest generation;
  text::AnswerReading reading;
  std::vector<std::string> warnings;
  bool keeps_context = false;
  std::vector<int32_t> closing;  // of an answer: tokens that end its turn; with keeps_context
};

/// Throw   RequestFailure, also when the prompt leaves no room for an answer.
PreparedRequest prepare(const OllamaChatRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);
PreparedRequest prepare(const OllamaGenerateRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);

}  // namespace maru::api::ollama
