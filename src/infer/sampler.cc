#include "infer/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace maru::infer {
namespace {

// exp(-44) is below 1e-19: such a token would come up once in the age of the universe, and need not be looked at.
constexpr double kNegligible = -44;

/// The highest logit, of equals the lowest id.
int32_t argmax(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i)
    if (logits[i] > logits[best]) best = i;
  return static_cast<int32_t>(best);
}

void check_finite(std::span<const float> logits) {
  bool good = true, any = false;
  for (float x : logits) {
    good &= x < INFINITY;  // false for NaN too
    any |= x > -INFINITY;
  }
  if (!good || !any) throw Failure(ErrorCode::kInternal, "the model's logits are not finite");
}

double log_sum_exp(std::span<const float> logits, float highest) {
  double sum = 0;
  for (float x : logits) sum += std::exp(static_cast<double>(x - highest));
  return highest + std::log(sum);
}

constexpr auto kLikelier = [](const auto& a, const auto& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
};

double total_of(const auto& candidates) {
  double sum = 0;
  for (const auto& candidate : candidates) sum += candidate.weight;
  return sum;
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
  for (const auto& [token, bias] : options.logit_bias) {
    check_range(token, 0, static_cast<double>(vocab_size - 1), "token id of logit_bias");
    check_range(bias, -1000, 1000, "logit_bias");
  }
}

SamplerScratch::SamplerScratch(int64_t vocab_size) {
  candidates_.reserve(static_cast<size_t>(vocab_size));
  logits_.reserve(static_cast<size_t>(vocab_size));
  top_.reserve(64);
}

Sample logprobs_of(std::span<const float> logits, int32_t token, int64_t count, SamplerScratch& scratch) {
  check_finite(logits);
  const double log_sum = log_sum_exp(logits, logits[static_cast<size_t>(argmax(logits))]);
  const auto logprob = [&](int32_t id) { return static_cast<float>(logits[static_cast<size_t>(id)] - log_sum); };
  std::vector<TokenLogprob>& top = scratch.top_;
  top.clear();
  const size_t limit = static_cast<size_t>(std::clamp<int64_t>(count, 0, static_cast<int64_t>(logits.size())));
  for (int32_t id = 0; limit > 0 && id < static_cast<int32_t>(logits.size()); ++id) {
    const float x = logits[static_cast<size_t>(id)];
    if (top.size() == limit && x <= top.back().logprob) continue;
    if (top.size() == limit) top.pop_back();
    const auto after = [](float value, const TokenLogprob& t) { return value > t.logprob; };
    top.insert(std::upper_bound(top.begin(), top.end(), x, after), {id, x});
  }
  for (TokenLogprob& entry : top) entry.logprob = logprob(entry.token);
  return {.token = token, .logprob = logprob(token), .top = top};
}

Sampler::Sampler(SamplingOptions options, int64_t vocab_size, uint64_t seed, std::span<const int32_t> prompt)
    : options_(std::move(options)), random_(seed) {
  const bool repetition = options_.repetition_penalty != 1;
  if (repetition || options_.presence_penalty != 0 || options_.frequency_penalty != 0)
    counts_.resize(static_cast<size_t>(vocab_size));
  if (!repetition) return;
  in_prompt_.resize(static_cast<size_t>(vocab_size));
  for (int32_t token : prompt) in_prompt_[static_cast<size_t>(token)] = 1;
}

Sample Sampler::sample(std::span<const float> logits, SamplerScratch& scratch) {
  check_finite(logits);
  std::span<const float> adjusted = logits;
  if (adjusts()) {
    scratch.logits_.assign(logits.begin(), logits.end());
    adjust(scratch.logits_);
    adjusted = scratch.logits_;
  }
  const int32_t token = options_.temperature == 0 ? argmax(adjusted) : draw(adjusted, scratch);
  if (!counts_.empty()) ++counts_[static_cast<size_t>(token)];
  if (options_.top_logprobs < 0) return {.token = token};
  return logprobs_of(logits, token, options_.top_logprobs, scratch);
}

bool Sampler::adjusts() const { return !counts_.empty() || !options_.logit_bias.empty(); }

void Sampler::adjust(std::span<float> logits) const {
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  for (size_t i = 0; i < counts_.size(); ++i) {
    const bool said = counts_[i] > 0;
    if (!in_prompt_.empty() && (said || in_prompt_[i]))
      logits[i] = logits[i] > 0 ? logits[i] / penalty : logits[i] * penalty;
    if (said) logits[i] -= static_cast<float>(options_.presence_penalty + options_.frequency_penalty * counts_[i]);
  }
  for (const auto& [token, bias] : options_.logit_bias) logits[static_cast<size_t>(token)] += static_cast<float>(bias);
}

int32_t Sampler::draw(std::span<const float> logits, SamplerScratch& scratch) {
  const double highest = logits[static_cast<size_t>(argmax(logits))];
  std::vector<Candidate>& candidates = scratch.candidates_;
  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (const double x = (logits[i] - highest) / options_.temperature; x > kNegligible)
      candidates.push_back({std::exp(x), static_cast<int32_t>(i)});
  keep_top_k(candidates);
  keep_top_p(candidates);
  std::erase_if(candidates, [&](const Candidate& c) { return c.weight < options_.min_p; });  // the highest weight is 1
  double left = random_.uniform() * total_of(candidates);
  for (const Candidate& candidate : candidates)
    if ((left -= candidate.weight) < 0) return candidate.token;
  return candidates.back().token;  // rounding
}

void Sampler::keep_top_k(std::vector<Candidate>& candidates) const {
  const auto k = static_cast<size_t>(options_.top_k);
  if (k == 0 || k >= candidates.size()) return;
  std::nth_element(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(k), candidates.end(), kLikelier);
  candidates.resize(k);
  std::sort(candidates.begin(), candidates.end(), kLikelier);  // a fixed order of summation
}

/// The fewest likeliest tokens whose probabilities reach top_p.
void Sampler::keep_top_p(std::vector<Candidate>& candidates) const {
  if (options_.top_p >= 1) return;
  const double wanted = options_.top_p * total_of(candidates);
  const auto less_likely = [](const Candidate& a, const Candidate& b) { return kLikelier(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), less_likely);
  auto end = candidates.end();
  for (double reached = 0; end != candidates.begin() && (reached < wanted || end == candidates.end());) {
    std::pop_heap(candidates.begin(), end, less_likely);
    reached += (--end)->weight;
  }
  candidates.erase(candidates.begin(), end);  // what was popped lies behind, the likeliest last
  std::reverse(candidates.begin(), candidates.end());
}

}  // namespace maru::infer
