#include "api/openai/request.h"

#include <algorithm>
#include <charconv>

#include "api/openai/chat.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxPrompts = 64, kMaxBiases = 4096;
constexpr int64_t kDefaultCompletionTokens = 16;

/// A string, or a list of strings.
std::vector<std::string> read_stops(const Json& stop) {
  if (stop.is_null()) return {};
  const bool several = stop.is_array();
  const Json list = several ? stop : Json::array({stop});
  if (list.size() > serving::kMaxStops) refuse("stop: expected at most 16 strings", "stop");
  std::vector<std::string> stops;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string param = several ? numbered("stop", i) : "stop";
    if (!list[i].is_string()) refuse(param + ": expected a string", param);
    stops.push_back(list[i].get<std::string>());
    serving::check_stop(stops.back(), param);
  }
  return stops;
}

int32_t read_token(const Json& id, int64_t vocab_size, const std::string& param) {
  const bool fits =
      id.is_number_integer() && id.get<double>() >= 0 && id.get<double>() < static_cast<double>(vocab_size);
  if (!fits) refuse(param + ": expected a token id below " + std::to_string(vocab_size), param);
  return id.get<int32_t>();
}

std::vector<std::pair<int32_t, double>> read_biases(const Json& biases, int64_t vocab_size) {
  if (biases.is_null()) return {};
  if (!biases.is_object() || biases.size() > kMaxBiases)
    refuse("logit_bias: expected an object of at most 4096 token ids", "logit_bias");
  std::vector<std::pair<int32_t, double>> result;
  for (const auto& [name, value] : biases.items()) {
    const std::string param = "logit_bias." + excerpt(name);
    int32_t id = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || id < 0 || id >= vocab_size)
      refuse(param + ": expected a token id below " + std::to_string(vocab_size), param);
    if (!value.is_number() || std::abs(value.get<double>()) > 100)
      refuse(param + ": expected a number from -100 to 100", param);
    result.emplace_back(id, value.get<double>());
  }
  return result;
}

infer::GenerationRequest to_generation(const CommonRequest& request, const serving::RequestLimits& limits) {
  infer::GenerationRequest generation;
  generation.sampling = {.temperature = request.temperature,
                         .top_k = std::max<int64_t>(request.top_k, 0),
                         .top_p = request.top_p,
                         .min_p = request.min_p,
                         .presence_penalty = request.presence_penalty,
                         .frequency_penalty = request.frequency_penalty,
                         .repetition_penalty = request.repetition_penalty,
                         .logit_bias = read_biases(request.logit_bias, limits.vocab_size)};
  if (request.seed) generation.seed = static_cast<uint64_t>(*request.seed);
  generation.choices = request.n;
  generation.stop = read_stops(request.stop);
  generation.ignore_eos = request.ignore_eos;
  generation.timeout_seconds = limits.timeout_seconds;
  return generation;
}

std::vector<int32_t> read_tokens(const Json& ids, int64_t vocab_size, const std::string& param) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < ids.size(); ++i) tokens.push_back(read_token(ids[i], vocab_size, numbered(param, i)));
  return tokens;
}

std::vector<int32_t> read_prompt(const Json& prompt, const text::Tokenizer& tokenizer, int64_t vocab_size,
                                 const std::string& param) {
  std::vector<int32_t> tokens;
  if (prompt.is_string()) {
    tokens = tokenizer.encode(prompt.get_ref<const std::string&>(), {.add_special_tokens = true});
  } else if (prompt.is_array()) {
    tokens = read_tokens(prompt, vocab_size, param);
  } else {
    refuse(param + ": expected a string or a list of token ids", param);
  }
  if (tokens.empty()) refuse(param + ": is empty, and this model has no token to begin a text with", param);
  return tokens;
}

/// Each prompt of a request with the name it has there.
std::vector<std::pair<const Json*, std::string>> prompts_of(const Json& prompt) {
  const bool several = prompt.is_array() && !prompt.empty() && !prompt[0].is_number();
  if (!several) return {{&prompt, "prompt"}};
  if (prompt.size() > kMaxPrompts) refuse("prompt: expected at most 64 prompts", "prompt");
  std::vector<std::pair<const Json*, std::string>> prompts;
  for (size_t i = 0; i < prompt.size(); ++i) prompts.emplace_back(&prompt[i], numbered("prompt", i));
  return prompts;
}

}  // namespace

PreparedRequest prepare(const ChatRequest& request, const text::Tokenizer& tokenizer,
                        const text::ChatTemplate* chat_template, const serving::RequestLimits& limits) {
  infer::GenerationRequest generation = to_generation(request, limits);
  serving::ChatPrompt prompt =
      serving::chat_prompt(read_conversation(request, chat_template), tokenizer, chat_template);
  generation.prompt = std::move(prompt.tokens);
  generation.continues_prompt = request.continue_final_message;
  if (request.logprobs) generation.sampling.top_logprobs = request.top_logprobs.value_or(0);
  const std::optional<int64_t> wanted =
      request.max_completion_tokens ? request.max_completion_tokens : request.max_tokens;
  if (wanted == 0) refuse("max_tokens: expected a whole number of at least 1, got 0", "max_tokens");
  serving::fit(generation, wanted, limits, "messages", prompt.warnings);
  return {.prompts = {std::move(generation)}, .echo = {""}, .warnings = std::move(prompt.warnings)};
}

PreparedRequest prepare(const CompletionRequest& request, const text::Tokenizer& tokenizer,
                        const serving::RequestLimits& limits) {
  infer::GenerationRequest common = to_generation(request, limits);
  if (request.logprobs) common.sampling.top_logprobs = *request.logprobs;
  common.score_prompt = request.echo && request.logprobs;
  PreparedRequest prepared;
  for (const auto& [prompt, param] : prompts_of(request.prompt)) {
    infer::GenerationRequest& generation = prepared.prompts.emplace_back(common);
    generation.prompt = read_prompt(*prompt, tokenizer, limits.vocab_size, param);
    serving::fit(generation, request.max_tokens.value_or(kDefaultCompletionTokens), limits, "prompt",
                 prepared.warnings);
    const bool text = prompt->is_string();
    prepared.echo.push_back(!request.echo ? ""
                            : text        ? prompt->get<std::string>()
                                          : tokenizer.decode(generation.prompt, true));
  }
  return prepared;
}

}  // namespace maru::api::openai
