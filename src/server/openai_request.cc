#include "server/openai_request.h"

#include <algorithm>
#include <charconv>

#include "base/excerpt.h"
#include "base/json.h"
#include "server/openai_chat.h"
#include "server/openai_error.h"

namespace maru::server {
namespace {

constexpr size_t kMaxStops = 16, kMaxStopBytes = 1024, kMaxPrompts = 64, kMaxBiases = 4096;
constexpr int64_t kDefaultCompletionTokens = 16;

std::string check_stop(const Json& stop, const std::string& param) {
  if (!stop.is_string()) refuse(param + ": expected a string", param);
  std::string text = stop.get<std::string>();
  if (text.empty() || text.size() > kMaxStopBytes) refuse(param + ": expected 1 to 1024 bytes", param);
  return text;
}

std::vector<std::string> read_stops(const Json& stop) {
  if (stop.is_null()) return {};
  if (!stop.is_array()) return {check_stop(stop, "stop")};
  if (stop.size() > kMaxStops) refuse("stop: expected at most 16 strings", "stop");
  std::vector<std::string> stops;
  for (size_t i = 0; i < stop.size(); ++i) stops.push_back(check_stop(stop[i], "stop[" + std::to_string(i) + "]"));
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

infer::GenerationRequest to_generation(const CommonRequest& request, const RequestLimits& limits) {
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

/// `wanted` empty: as much as fits. More than fits is cut to that, and said: clients ask for 1,024 tokens unasked, and
/// a prompt's tokens are not theirs to count.
void fit(infer::GenerationRequest& generation, std::optional<int64_t> wanted, const RequestLimits& limits,
         const std::string& param, std::vector<std::string>& warnings) {
  const auto size = static_cast<int64_t>(generation.prompt.size());
  const int64_t room = limits.max_context - size;
  if (room < 0 || (room == 0 && wanted != 0))
    refuse("This model's maximum context length is " + std::to_string(limits.max_context) + " tokens. However, your " +
               param + " resulted in " + std::to_string(size) +
               " tokens, which leaves no room for an answer. Please reduce the length of the " + param + ".",
           param, "context_length_exceeded");
  generation.max_tokens = std::min(wanted.value_or(room), room);
  if (wanted && *wanted > room)
    warnings.push_back("max_tokens: " + std::to_string(*wanted) + " do not fit beside the " + std::to_string(size) +
                       " tokens of the " + param + " into the context of " + std::to_string(limits.max_context) +
                       "; the answer has at most " + std::to_string(room));
}

std::vector<int32_t> read_tokens(const Json& ids, int64_t vocab_size, const std::string& param) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < ids.size(); ++i)
    tokens.push_back(read_token(ids[i], vocab_size, param + "[" + std::to_string(i) + "]"));
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
  for (size_t i = 0; i < prompt.size(); ++i) prompts.emplace_back(&prompt[i], "prompt[" + std::to_string(i) + "]");
  return prompts;
}

}  // namespace

PreparedRequest prepare(const ChatRequest& request, const text::Tokenizer& tokenizer,
                        const text::ChatTemplate* chat_template, const RequestLimits& limits) {
  infer::GenerationRequest generation = to_generation(request, limits);
  ChatPrompt prompt = chat_prompt(request, tokenizer, chat_template);
  generation.prompt = std::move(prompt.tokens);
  generation.continues_prompt = request.continue_final_message;
  if (request.logprobs) generation.sampling.top_logprobs = request.top_logprobs.value_or(0);
  const std::optional<int64_t> wanted =
      request.max_completion_tokens ? request.max_completion_tokens : request.max_tokens;
  if (wanted == 0) refuse("max_tokens: expected a whole number of at least 1, got 0", "max_tokens");
  fit(generation, wanted, limits, "messages", prompt.warnings);
  return {.prompts = {std::move(generation)}, .echo = {""}, .warnings = std::move(prompt.warnings)};
}

PreparedRequest prepare(const CompletionRequest& request, const text::Tokenizer& tokenizer,
                        const RequestLimits& limits) {
  infer::GenerationRequest common = to_generation(request, limits);
  if (request.logprobs) common.sampling.top_logprobs = *request.logprobs;
  common.score_prompt = request.echo && request.logprobs;
  PreparedRequest prepared;
  for (const auto& [prompt, param] : prompts_of(request.prompt)) {
    infer::GenerationRequest& generation = prepared.prompts.emplace_back(common);
    generation.prompt = read_prompt(*prompt, tokenizer, limits.vocab_size, param);
    fit(generation, request.max_tokens.value_or(kDefaultCompletionTokens), limits, "prompt", prepared.warnings);
    const bool text = prompt->is_string();
    prepared.echo.push_back(!request.echo ? ""
                            : text        ? prompt->get<std::string>()
                                          : tokenizer.decode(generation.prompt, true));
  }
  return prepared;
}

}  // namespace maru::server
