#include "api/openai/request.h"

#include <algorithm>
#include <charconv>

#include "api/openai/answer_form.h"
#include "api/openai/chat.h"
#include "base/json_node.h"
#include "base/request_failure.h"
#include "serving/call_constraint.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxPrompts = 64, kMaxBiases = 4096, kMaxStopTokens = 1024, kMaxBadWords = 256, kMaxWordBytes = 256;
constexpr int64_t kDefaultCompletionTokens = 16;

/// A string, or a list of strings.
std::vector<std::string> read_stops(const JsonNode& stop) {
  if (stop.is_null()) return {};
  if (stop.is_array() && stop.size() > serving::kMaxStops) stop.fail("at most 16 strings");
  std::vector<std::string> stops;
  for (const JsonNode& one : stop.is_array() ? stop.elements() : std::vector{stop}) {
    stops.push_back(one.string());
    serving::check_stop(stops.back(), one.where());
  }
  return stops;
}

int32_t read_token(const JsonNode& node, int64_t vocab_size) {
  const Json& id = node.json();
  const bool fits =
      id.is_number_integer() && id.get<double>() >= 0 && id.get<double>() < static_cast<double>(vocab_size);
  if (!fits) node.fail("a token id below " + std::to_string(vocab_size));
  return id.get<int32_t>();
}

std::vector<std::pair<int32_t, double>> read_biases(const JsonNode& biases, int64_t vocab_size) {
  if (biases.is_null()) return {};
  if (!biases.is_object() || biases.json().size() > kMaxBiases) biases.fail("an object of at most 4096 token ids");
  std::vector<std::pair<int32_t, double>> result;
  for (const auto& [name, bias] : biases.members()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || id < 0 || id >= vocab_size)
      bias.refuse("expected a token id below " + std::to_string(vocab_size));
    result.emplace_back(id, bias.number({-100, 100}));
  }
  return result;
}

std::vector<int32_t> read_tokens(const JsonNode& ids, int64_t vocab_size) {
  std::vector<int32_t> tokens;
  if (ids.is_null()) return tokens;
  for (size_t i = 0; i < ids.size(); ++i) tokens.push_back(read_token(ids.at(i), vocab_size));
  return tokens;
}

std::vector<int32_t> read_allowed(const std::vector<int64_t>& ids, int64_t vocab_size) {
  std::vector<int32_t> allowed;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocab_size)
      refuse(numbered("allowed_token_ids", i) + ": expected a token id below " + std::to_string(vocab_size) + ", got " +
                 std::to_string(ids[i]),
             numbered("allowed_token_ids", i));
    allowed.push_back(static_cast<int32_t>(ids[i]));
  }
  return allowed;
}

/// Each as it is written at the beginning of a text and behind a space.
std::vector<std::vector<int32_t>> read_bad_words(const std::vector<std::string>& words,
                                                 const text::Tokenizer& tokenizer) {
  if (words.size() > kMaxBadWords) refuse("bad_words: expected at most 256 words", "bad_words");
  std::vector<std::vector<int32_t>> encoded;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string bare = words[i].substr(std::min(words[i].find_first_not_of(' '), words[i].size()));
    if (bare.empty() || bare.size() > kMaxWordBytes)
      refuse(numbered("bad_words", i) + ": expected 1 to 256 bytes besides spaces before", numbered("bad_words", i));
    for (const std::string& form : {bare, " " + bare})
      if (std::vector<int32_t> tokens = tokenizer.encode(form, {.parse_special = false}); !tokens.empty())
        encoded.push_back(std::move(tokens));
  }
  return encoded;
}

infer::GenerationRequest to_generation(const CommonRequest& request, const text::Tokenizer& tokenizer,
                                       const serving::RequestLimits& limits) {
  infer::GenerationRequest generation;
  generation.sampling = {
      .temperature = request.temperature,
      .top_k = std::max<int64_t>(request.top_k, 0),
      .top_p = request.top_p,
      .min_p = request.min_p,
      .presence_penalty = request.presence_penalty,
      .frequency_penalty = request.frequency_penalty,
      .repetition_penalty = request.repetition_penalty,
      .logit_bias = read_biases(JsonNode::of_request(request.logit_bias, "logit_bias"), limits.vocab_size),
      .allowed_tokens = read_allowed(request.allowed_token_ids, limits.vocab_size),
      .bad_words = read_bad_words(request.bad_words, tokenizer)};
  if (request.seed) generation.seed = static_cast<uint64_t>(*request.seed);
  generation.choices = request.n;
  generation.stop = read_stops(JsonNode::of_request(request.stop, "stop"));
  generation.ignore_eos = request.ignore_eos;
  generation.min_tokens = request.min_tokens;
  const JsonNode ends = JsonNode::of_request(request.stop_token_ids, "stop_token_ids");
  if (ends.is_array() && ends.size() > kMaxStopTokens) ends.fail("at most 1024 token ids");
  generation.stop_tokens = read_tokens(ends, limits.vocab_size);
  generation.priority = request.priority;
  generation.cache_salt = request.cache_salt;
  generation.timeout_seconds = limits.timeout_seconds;
  generation.keeps_stop = request.include_stop_str_in_output;
  generation.shows_special = !request.skip_special_tokens;
  generation.tells_tokens = request.return_token_ids;
  generation.score_prompt = request.prompt_logprobs.has_value();
  generation.prompt_top = request.prompt_logprobs.value_or(-1);
  return generation;
}

/// Cuts the prompt to what the request wants of it; true where something is gone. `wanted`: tokens of the answer.
bool truncate(std::vector<int32_t>& prompt, const CommonRequest& request, std::optional<int64_t> wanted,
              const serving::RequestLimits& limits) {
  if (!request.truncate_prompt_tokens) return false;
  const int64_t beside = std::max<int64_t>(1, limits.max_context - std::max<int64_t>(1, wanted.value_or(1)));
  const int64_t most = *request.truncate_prompt_tokens < 0 ? beside : *request.truncate_prompt_tokens;
  const int64_t surplus = std::ssize(prompt) - most;
  if (surplus <= 0) return false;
  const auto begin = request.truncation_side == "left" ? prompt.begin() : prompt.end() - surplus;
  prompt.erase(begin, begin + surplus);
  return true;
}

std::vector<int32_t> read_prompt(const JsonNode& prompt, const CompletionRequest& request,
                                 const text::Tokenizer& tokenizer, int64_t vocab_size) {
  if (!prompt.is_string() && !prompt.is_array()) prompt.fail("a string or a list of token ids");
  std::vector<int32_t> tokens =
      prompt.is_array() ? read_tokens(prompt, vocab_size)
                        : tokenizer.encode(prompt.string(), {.add_special_tokens = request.add_special_tokens});
  if (tokens.empty()) prompt.refuse("is empty, and this model has no token to begin a text with");
  return tokens;
}

std::vector<JsonNode> prompts_of(const JsonNode& prompt) {
  const bool several = prompt.is_array() && prompt.size() > 0 && !prompt.at(0).json().is_number();
  if (!several) return {prompt};
  if (prompt.size() > kMaxPrompts) prompt.fail("at most 64 prompts");
  return prompt.elements();
}

/// What an answer goes on with, if that is to be repeated.
std::string echo_of(const ChatRequest& request, const Json& messages) {
  const Json& last = messages.back();
  const bool repeats = request.echo && last["role"] == "assistant" && last.contains("content");
  return repeats && last["content"].is_string() ? last["content"].get<std::string>() : "";
}

}  // namespace

PreparedRequest prepare(const ChatRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits) {
  infer::GenerationRequest generation = to_generation(request, *model.tokenizer, limits);
  serving::Conversation conversation = read_conversation(request, model);
  std::string echo = echo_of(request, conversation.messages);
  auto form = read_answer_form(request);
  conversation.schema = read_text_schema(request);
  const bool joined = conversation.schema.has_value();  // to calls, if those are held to something
  serving::ChatPrompt prompt = serving::chat_prompt(std::move(conversation), model);
  generation.prompt = std::move(prompt.tokens);
  generation.constraint = std::move(prompt.constraint);
  if (form && generation.constraint && !joined)
    refuse("response_format: an answer whose calls are held to their tools can have no form besides but JSON",
           "response_format");
  if (form && !generation.constraint)
    generation.constraint = serving::constraint_of(std::move(form), model, prompt.reading);
  generation.continues_prompt = request.continue_final_message;
  if (request.logprobs) generation.sampling.top_logprobs = request.top_logprobs.value_or(0);
  const std::optional<int64_t> wanted =
      request.max_completion_tokens ? request.max_completion_tokens : request.max_tokens;
  if (wanted == 0) refuse("max_tokens: expected a whole number of at least 1, got 0", "max_tokens");
  truncate(generation.prompt, request, wanted, limits);
  serving::fit(generation, wanted, limits, "messages", prompt.warnings);
  prompt.warnings.insert(prompt.warnings.begin(), request.warnings.begin(), request.warnings.end());
  return {.prompts = {std::move(generation)},
          .echo = {std::move(echo)},
          .texts = {std::move(prompt.text)},
          .reading = std::move(prompt.reading),
          .warnings = std::move(prompt.warnings)};
}

PreparedRequest prepare(const CompletionRequest& request, const text::Tokenizer& tokenizer,
                        const serving::RequestLimits& limits) {
  infer::GenerationRequest common = to_generation(request, tokenizer, limits);
  if (auto form = read_answer_form(request)) common.constraint = infer::AnswerConstraint{.grammar = std::move(form)};
  if (request.logprobs) common.sampling.top_logprobs = *request.logprobs;
  if (request.echo && request.logprobs) {
    // Who scores a text asks for one token more, and leaves out the last one whatever it is. It must be there.
    if (request.max_tokens == 1 && !common.constraint) common.ignore_eos = true;
    common.score_prompt = true;
    common.prompt_top = std::max(common.prompt_top, *request.logprobs);
  }
  PreparedRequest prepared{.warnings = request.warnings};
  const int64_t wanted = request.max_tokens.value_or(kDefaultCompletionTokens);
  for (const JsonNode& prompt : prompts_of(JsonNode::of_request(request.prompt, "prompt"))) {
    infer::GenerationRequest& generation = prepared.prompts.emplace_back(common);
    generation.prompt = read_prompt(prompt, request, tokenizer, limits.vocab_size);
    const bool whole = !truncate(generation.prompt, request, wanted, limits) && prompt.is_string();
    serving::fit(generation, wanted, limits, "prompt", prepared.warnings);
    prepared.texts.push_back(whole ? prompt.string() : "");
    prepared.echo.push_back(!request.echo ? ""
                            : whole       ? prompt.string()
                                          : tokenizer.decode(generation.prompt, !generation.shows_special));
  }
  return prepared;
}

}  // namespace maru::api::openai
