#include "infer/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace maru::infer {
namespace {

/// The first that has it.
int32_t index_of(std::span<const float> logits, float highest) {
  return static_cast<int32_t>(std::find(logits.begin(), logits.end(), highest) - logits.begin());
}

/// False for NaN too.
void check_range(double value, double low, double high, const char* name) {
  if (!(value >= low && value <= high))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{} = {}: expected a number from {} to {}", name, value, low, high));
}

}  // namespace

void check(const SamplingOptions& options, int64_t vocab_size) {
  check_range(options.temperature, 0, 1e6, "temperature");
  check_range(static_cast<double>(options.top_k), 0, 1e12, "top_k");
  check_range(options.top_p, 0, 1, "top_p");
  check_range(options.min_p, 0, 1, "min_p");
  check_range(options.presence_penalty, -1000, 1000, "presence_penalty");
  check_range(options.frequency_penalty, -1000, 1000, "frequency_penalty");
  check_range(options.repetition_penalty, 0.001, 1000, "repetition_penalty");
  const auto check_token = [&](int32_t token, const char* name) {
    check_range(token, 0, static_cast<double>(vocab_size - 1), name);
  };
  for (const int32_t token : options.allowed_tokens) check_token(token, "token id of allowed_tokens");
  for (const auto& word : options.bad_words)
    for (const int32_t token : word) check_token(token, "token id of bad_words");
  for (const auto& [token, bias] : options.logit_bias) {
    check_token(token, "token id of logit_bias");
    check_range(bias, -1000, 1000, "logit_bias");
  }
}

SamplerScratch::SamplerScratch(int64_t vocab_size) {
  logits_.reserve(static_cast<size_t>(vocab_size));
  weights_.reserve(static_cast<size_t>(vocab_size));
}

Sample logprobs_of(std::span<const float> logits, int32_t token, int64_t count, SamplerScratch& scratch) {
  const float highest = highest_of(logits);
  scratch.weights_.fill(logits, highest, 1);
  const double log_sum = static_cast<double>(highest) + std::log(scratch.weights_.total());
  const auto logprob = [&](int32_t id) { return static_cast<float>(logits[static_cast<size_t>(id)] - log_sum); };
  scratch.top_.clear();
  for (const int32_t id : highest_ids(logits, static_cast<size_t>(std::max<int64_t>(count, 0))))
    scratch.top_.push_back({id, logprob(id)});
  const float own = logits[static_cast<size_t>(token)];
  const auto above = std::count_if(logits.begin(), logits.end(), [&](float other) { return other > own; });
  return {.token = token, .logprob = logprob(token), .top = scratch.top_, .rank = above + 1};
}

Sampler::Sampler(SamplingOptions options, uint64_t seed, std::span<const int32_t> prompt)
    : options_(std::move(options)), random_(seed) {
  if (options_.repetition_penalty != 1) add(std::make_unique<RepetitionPenalty>(options_.repetition_penalty, prompt));
  if (options_.presence_penalty != 0 || options_.frequency_penalty != 0)
    add(std::make_unique<AnswerPenalties>(options_.presence_penalty, options_.frequency_penalty));
  if (!options_.logit_bias.empty()) add(std::make_unique<LogitBias>(options_.logit_bias));
  if (!options_.allowed_tokens.empty()) add(std::make_unique<AllowedTokens>(options_.allowed_tokens));
  if (!options_.bad_words.empty()) add(std::make_unique<BadWords>(options_.bad_words));
}

Sample Sampler::sample(std::span<const float> logits, SamplerScratch& scratch) {
  const std::span<const float> seen = processed(logits, scratch);
  const float highest = highest_of(seen);
  const int32_t token = options_.temperature == 0 ? index_of(seen, highest) : draw(seen, highest, scratch);
  for (const auto& processor : processors_) processor->accept(token);
  if (options_.top_logprobs < 0) return {.token = token};
  return logprobs_of(logits, token, options_.top_logprobs, scratch);
}

std::span<const float> Sampler::processed(std::span<const float> logits, SamplerScratch& scratch) {
  if (processors_.empty()) return logits;
  highest_of(logits);  // a processor may hide what is not finite
  scratch.logits_.assign(logits.begin(), logits.end());
  for (const auto& processor : processors_) processor->process(scratch.logits_);
  const auto may_be_said = [](float logit) { return logit > -std::numeric_limits<float>::infinity(); };
  if (std::none_of(scratch.logits_.begin(), scratch.logits_.end(), may_be_said))
    throw Failure(ErrorCode::kInvalidArgument,
                  "no token may come next: what the request allows, forbids and asks for leaves none");
  return scratch.logits_;
}

int32_t Sampler::draw(std::span<const float> logits, float highest, SamplerScratch& scratch) {
  TokenWeights& weights = scratch.weights_;
  weights.fill(logits, highest, options_.temperature);
  const double share = random_.uniform();
  if (options_.top_k == 0 && options_.top_p >= 1 && options_.min_p == 0) return weights.at_share(share);
  std::vector<Candidate>& candidates = scratch.candidates_;
  candidates.clear();
  if (options_.top_k > 0)
    append_likeliest(weights.values(), static_cast<size_t>(options_.top_k), candidates);
  else
    append_from(weights.values(), lowest_weight(weights), candidates);
  if (options_.top_p < 1)
    keep_nucleus(candidates, options_.top_p * (options_.top_k > 0 ? total_of(candidates) : weights.total()));
  std::erase_if(candidates, [&](const Candidate& c) { return static_cast<double>(c.weight) < options_.min_p; });
  double left = share * total_of(candidates);
  for (const Candidate& candidate : candidates)
    if ((left -= static_cast<double>(candidate.weight)) < 0) return candidate.token;
  return candidates.back().token;  // rounding
}

/// What is lighter need not be looked at. All that is lighter than (1 - top_p) total / vocab_size weighs less than
/// (1 - top_p) total together, so the rest reaches top_p without it. (A hair less: weights are rounded.)
float Sampler::lowest_weight(const TokenWeights& weights) const {
  const double outside = (1 - options_.top_p) * weights.total() / static_cast<double>(weights.values().size());
  return static_cast<float>(std::max(outside, options_.min_p) * 0.999);
}

}  // namespace maru::infer
