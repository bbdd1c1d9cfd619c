// The body of POST /v1/responses, and the chat that it asks for.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "api/openai/request.h"
#include "api/openai/types.h"
#include "http/request_fields.h"

namespace maru::api::openai {

struct ResponsesRequest {
  std::string model;
  Json input;
  std::optional<std::string> instructions, previous_response_id;
  Json tools, tool_choice, text, reasoning, structured_outputs, chat_template_kwargs;
  std::string truncation = "disabled";
  bool parallel_tool_calls = true, stream = false, store = true, background = false;
  std::optional<StreamOptions> stream_options;
  std::vector<std::string> include;
  std::optional<int64_t> max_output_tokens, seed;
  int64_t top_logprobs = 0;
  std::map<std::string, std::string> metadata;
  double temperature = 1, top_p = 1;
  int64_t top_k = 0, priority = 0;
  double presence_penalty = 0, frequency_penalty = 0, repetition_penalty = 1;
  Json stop;
  bool receipt = false;
  bool ignore_eos = false, skip_special_tokens = true, include_stop_str_in_output = false;
  std::string cache_salt;
  std::vector<std::string> warnings;  // no field: what of the body is not acted upon

  static constexpr auto fields() {
    using C = ResponsesRequest;
    return std::tuple_cat(
        std::tuple{
            field("model", &C::model, "the id of a model that /v1/models lists"),
            field("input", &C::input, "a text, or items: messages, reasoning, calls of functions and what came back"),
            field("instructions", &C::instructions, "what the model is told before the conversation"),
            field("previous_response_id", &C::previous_response_id, "of a kept answer that this goes on with"),
            field("tools", &C::tools, "functions that the model may call and the client runs"),
            field("tool_choice", &C::tool_choice,
                  "\"auto\"; \"none\": the tools are left out; \"required\" or a function: it is called"),
            field("parallel_tool_calls", &C::parallel_tool_calls, "false: the answer ends with its first call"),
            field("text", &C::text, "format: text, json_object or json_schema"),
            field("reasoning", &C::reasoning, "effort: a variable of the chat template; \"none\": without reasoning"),
            field("max_output_tokens", &C::max_output_tokens, "the answer's greatest length in tokens")
                .range(1, 1 << 30),
            field("truncation", &C::truncation, "auto: a conversation that is too long loses its first turns")
                .one_of("disabled|auto"),
            field("store", &C::store, "keep the answer, to be asked for and gone on with"),
            field("stream", &C::stream, "send the answer as it comes, as named events"),
            field("stream_options", &C::stream_options, "only with stream"),
            field("background", &C::background, "answer at once; the work goes on, and is asked for by its id"),
            field("include", &C::include, "message.output_text.logprobs; others have nothing to add"),
            field("top_logprobs", &C::top_logprobs, "log-probabilities of this many likeliest tokens").range(0, 20),
            field("receipt", &C::receipt, "the response comes with a signed receipt of where it came from"),
            field("metadata", &C::metadata, "up to 16 notes of the client's, sent back")},
        std::tuple{
            field("temperature", &C::temperature, "0: always the likeliest token").range(0, 100),
            field("top_p", &C::top_p, "sample from the likeliest tokens with this much probability together")
                .range(0, 1),
            field("top_k", &C::top_k, "sample from this many likeliest tokens; 0 or -1: all").range(-1, 1 << 30),
            field("presence_penalty", &C::presence_penalty, "subtracted from tokens already in the answer")
                .range(-2, 2),
            field("frequency_penalty", &C::frequency_penalty, "subtracted for each time a token is in the answer")
                .range(-2, 2),
            field("repetition_penalty", &C::repetition_penalty, "divides the logits of tokens already seen")
                .range(0.01, 100),
            field("seed", &C::seed, "the same seed gives the same answer"),
            field("stop", &C::stop, "a string, or up to 16, before which the answer ends"),
            field("ignore_eos", &C::ignore_eos, "go on after the end token"),
            field("skip_special_tokens", &C::skip_special_tokens, "false: special tokens are in the text"),
            field("include_stop_str_in_output", &C::include_stop_str_in_output, "the answer ends with the stop string"),
            field("priority", &C::priority, "among the requests of one key; lower is earlier").range(-1e6, 1e6),
            field("cache_salt", &C::cache_salt, "share what is computed for the prompt with the same salt only"),
            field("structured_outputs", &C::structured_outputs, "one of json, regex, choice, grammar, structural_tag"),
            field("chat_template_kwargs", &C::chat_template_kwargs, "further variables of the chat template")});
  }
};

/// The fields above, and those that OpenAI and vLLM document and this server does not act on.
const http::BodyFields& responses_fields();

/// Throws   RequestFailure: malformed JSON, wrong types and ranges, what is not supported, and unknown fields unless
///          `ignore_unknown`, which leaves a warning.
ResponsesRequest parse_responses_request(std::string_view body, bool ignore_unknown = false);
/// The same of the object that a body is.
ResponsesRequest read_responses_request(Json object, bool ignore_unknown = false);

/// The chat that is asked for, over `items` (items.h): those of earlier answers, then the request's.
///
/// Throws   RequestFailure naming the request's field.
ChatRequest chat_of(const ResponsesRequest& request, const Json& items);
/// Whether the answer comes with its tokens' log-probabilities.
bool wants_logprobs(const ResponsesRequest& request);

/// That chat, ready to be generated; with truncation as much of its end as fits. Throws as prepare of a chat does, in
/// this API's names.
PreparedRequest prepare(const ResponsesRequest& request, const Json& items, const serving::ChatModel& model,
                        const serving::RequestLimits& limits);

}  // namespace maru::api::openai
