// The requests of OpenAI's chat and completion endpoints, with what NIM and vLLM accept on top: one field table each.
// Fields whose type varies are kept as JSON here and read in request.cc; what is documented and not read is in
// fields.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"

namespace maru::api::openai {

struct StreamOptions {
  bool include_usage = false, continuous_usage_stats = false, include_obfuscation = false;

  static constexpr auto fields() {
    using C = StreamOptions;
    return std::tuple{field("include_usage", &C::include_usage, "a last chunk with the token counts"),
                      field("continuous_usage_stats", &C::continuous_usage_stats, "token counts in every chunk"),
                      field("include_obfuscation", &C::include_obfuscation, "accepted; chunks have no padding")};
  }
};

/// What both endpoints share.
struct CommonRequest {
  std::string model;
  double temperature = 1, top_p = 1, min_p = 0;
  int64_t top_k = 0;
  double presence_penalty = 0, frequency_penalty = 0, repetition_penalty = 1;
  std::optional<int64_t> seed, max_tokens;
  int64_t n = 1;
  Json stop, logit_bias, stop_token_ids;
  bool ignore_eos = false;
  int64_t min_tokens = 0, priority = 0;
  std::string cache_salt;
  bool include_stop_str_in_output = false, skip_special_tokens = true;
  std::vector<int64_t> allowed_token_ids;
  std::vector<std::string> bad_words;
  std::optional<int64_t> prompt_logprobs, truncate_prompt_tokens;
  std::string truncation_side = "left";
  bool return_token_ids = false, return_tokens_as_token_ids = false;
  Json response_format, structured_outputs, nvext;
  Json guided_json, guided_choice, guided_regex, guided_grammar, guided_decoding_backend;
  bool stream = false;
  std::optional<StreamOptions> stream_options;
  bool receipt = false;
  std::vector<std::string> warnings;  // no field: what of the body is not acted upon

  static constexpr auto fields() {
    using C = CommonRequest;
    return std::tuple{
        field("model", &C::model, "the id of a model that /v1/models lists"),
        field("temperature", &C::temperature, "0: always the likeliest token").range(0, 100),
        field("top_p", &C::top_p, "sample from the likeliest tokens with this much probability together").range(0, 1),
        field("min_p", &C::min_p, "drop tokens less likely than this times the likeliest").range(0, 1),
        field("top_k", &C::top_k, "sample from this many likeliest tokens; 0 or -1: all").range(-1, 1 << 30),
        field("presence_penalty", &C::presence_penalty, "subtracted from tokens already in the answer").range(-2, 2),
        field("frequency_penalty", &C::frequency_penalty, "subtracted for each time a token is in the answer")
            .range(-2, 2),
        field("repetition_penalty", &C::repetition_penalty, "divides the logits of tokens already seen")
            .range(0.01, 100),
        field("seed", &C::seed, "the same seed gives the same answer"),
        field("max_tokens", &C::max_tokens, "the answer's greatest length in tokens").range(0, 1 << 30),
        field("n", &C::n, "answers per prompt").range(1, 16),
        field("stop", &C::stop, "a string, or up to 16, before which the answer ends"),
        field("logit_bias", &C::logit_bias, "token id to a number from -100 to 100, added to its logit"),
        field("ignore_eos", &C::ignore_eos, "go on after the end token"),
        field("min_tokens", &C::min_tokens, "the answer does not end before").range(0, 1 << 30),
        field("stop_token_ids", &C::stop_token_ids, "token ids that end the answer too"),
        field("priority", &C::priority, "among the requests of one key; lower is earlier").range(-1e6, 1e6),
        field("cache_salt", &C::cache_salt, "share what is computed for the prompt with the same salt only"),
        field("response_format", &C::response_format, "text, json_object, json_schema or structural_tag"),
        field("structured_outputs", &C::structured_outputs, "one of json, regex, choice, grammar, structural_tag"),
        field("nvext", &C::nvext, "one of guided_json, guided_regex, guided_choice, guided_grammar"),
        field("guided_json", &C::guided_json, "a JSON Schema"),
        field("guided_choice", &C::guided_choice, "a list of texts"),
        field("guided_regex", &C::guided_regex, "of the whole answer"),
        field("guided_grammar", &C::guided_grammar, "in GBNF"),
        field("guided_decoding_backend", &C::guided_decoding_backend, "accepted and ignored"),
        field("stream", &C::stream, "send the answer as it comes"),
        field("stream_options", &C::stream_options, "only with stream"),
        field("receipt", &C::receipt, "the answer comes with a signed receipt of where it came from"),
        field("include_stop_str_in_output", &C::include_stop_str_in_output,
              "the answer ends with the stop string, or the one of stop_token_ids, that ended it"),
        field("skip_special_tokens", &C::skip_special_tokens, "false: special tokens are in the text"),
        field("allowed_token_ids", &C::allowed_token_ids, "the answer is of these tokens alone; empty: of all"),
        field("bad_words", &C::bad_words, "up to 256 that are not said, as the tokens that they are encoded as"),
        field("prompt_logprobs", &C::prompt_logprobs,
              "log-probabilities of the prompt's tokens, and of this many likeliest ones; not with stream")
            .range(0, 20),
        field("truncate_prompt_tokens", &C::truncate_prompt_tokens,
              "no more of the prompt than this many tokens; -1: than leave room for the answer")
            .range(-1, 1 << 30),
        field("truncation_side", &C::truncation_side, "where a prompt is cut; of chats left alone")
            .one_of("left|right"),
        field("return_token_ids", &C::return_token_ids, "with the ids of the answer's and of the prompt's tokens"),
        field("return_tokens_as_token_ids", &C::return_tokens_as_token_ids,
              "tokens of log-probabilities are written as token_id:ID")};
  }
};

struct ChatRequest : CommonRequest {
  Json messages;  // objects with "role" and whatever else the model's chat template reads
  Json tools, tool_choice, documents, chat_template_kwargs;
  bool parallel_tool_calls = true, include_reasoning = true;
  std::string reasoning_effort;
  bool echo = false, return_prompt_text = false;
  bool add_generation_prompt = true, continue_final_message = false;
  std::optional<int64_t> max_completion_tokens;
  bool logprobs = false;
  std::optional<int64_t> top_logprobs;

  static constexpr auto fields() {
    using C = ChatRequest;
    return std::tuple_cat(
        CommonRequest::fields(),
        std::tuple{
            field("messages", &C::messages, "the conversation so far"),
            field("tools", &C::tools, "functions the chat template shows to the model"),
            field("tool_choice", &C::tool_choice,
                  "\"auto\"; \"none\": the tools are left out; \"required\" or a function: it is called"),
            field("parallel_tool_calls", &C::parallel_tool_calls, "false: the answer ends with its first call"),
            field("reasoning_effort", &C::reasoning_effort,
                  "a variable of the chat template; \"none\": answer without reasoning"),
            field("include_reasoning", &C::include_reasoning, "false: the answer comes without the model's reasoning"),
            field("echo", &C::echo, "put the last message before the answer, if it is the assistant's"),
            field("return_prompt_text", &C::return_prompt_text, "with the text that the chat template made"),
            field("documents", &C::documents, "objects the chat template shows to the model"),
            field("chat_template_kwargs", &C::chat_template_kwargs, "further variables of the chat template"),
            field("add_generation_prompt", &C::add_generation_prompt, "begin an answer"),
            field("continue_final_message", &C::continue_final_message, "go on with the last message instead"),
            field("max_completion_tokens", &C::max_completion_tokens, "the newer name of max_tokens").range(1, 1 << 30),
            field("logprobs", &C::logprobs, "log-probabilities of the answer's tokens"),
            field("top_logprobs", &C::top_logprobs, "and of this many likeliest ones").range(0, 20)});
  }
};

struct CompletionRequest : CommonRequest {
  Json prompt;  // a string, a list of strings, a list of token ids, or a list of such lists
  std::optional<int64_t> logprobs, best_of;
  bool echo = false, add_special_tokens = true;

  static constexpr auto fields() {
    using C = CompletionRequest;
    return std::tuple_cat(
        CommonRequest::fields(),
        std::tuple{field("prompt", &C::prompt, "text or token ids to go on from"),
                   field("logprobs", &C::logprobs, "log-probabilities of this many likeliest tokens").range(0, 20),
                   field("echo", &C::echo, "put the prompt before the answer"),
                   field("best_of", &C::best_of, "the same as n: none is generated that is not answered").range(1, 16),
                   field("add_special_tokens", &C::add_special_tokens,
                         "false: without those that the tokenizer puts around a text")});
  }
};

}  // namespace maru::api::openai
