#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"

namespace maru::infer {
namespace {

constexpr int64_t kVocab = 8;
const std::vector<float> kLogits{1.0f, 3.0f, -2.0f, 3.0f, 0.5f, -INFINITY, 2.0f, -1.0f};

/// The share of each token over many draws.
std::vector<double> shares(const SamplingOptions& options, const std::vector<float>& logits = kLogits) {
  SamplerScratch scratch(kVocab);
  Sampler sampler(options, 11, {});
  std::vector<double> counts(logits.size());
  constexpr int kDraws = 40000;
  for (int i = 0; i < kDraws; ++i) counts[static_cast<size_t>(sampler.sample(logits, scratch).token)] += 1.0 / kDraws;
  return counts;
}

/// The exact distribution over the tokens of `kept`.
std::vector<double> softmax(const std::vector<float>& logits, double temperature, const std::vector<int>& kept) {
  std::vector<double> p(logits.size());
  double sum = 0;
  for (int i : kept) sum += p[static_cast<size_t>(i)] = std::exp(logits[static_cast<size_t>(i)] / temperature);
  for (double& x : p) x /= sum;
  return p;
}

void expect_shares(const std::vector<double>& got, const std::vector<double>& expected) {
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 0.012) << i;
    if (expected[i] == 0) {
      EXPECT_EQ(got[i], 0) << i;
    }
  }
}

int32_t greedy(const SamplingOptions& options, const std::vector<float>& logits, std::vector<int32_t> prompt = {}) {
  SamplerScratch scratch(kVocab);
  return Sampler(options, 0, prompt).sample(logits, scratch).token;
}

TEST(Sampler, GreedyTakesTheLowestOfEquals) { EXPECT_EQ(greedy({.temperature = 0}, kLogits), 1); }

TEST(Sampler, DrawsFromTheSoftmax) {
  expect_shares(shares({}), softmax(kLogits, 1, {0, 1, 2, 3, 4, 6, 7}));
  expect_shares(shares({.temperature = 2.5}), softmax(kLogits, 2.5, {0, 1, 2, 3, 4, 6, 7}));
}

TEST(Sampler, KeepsTheTopK) {
  expect_shares(shares({.top_k = 3}), softmax(kLogits, 1, {1, 3, 6}));
  expect_shares(shares({.top_k = 1}), softmax(kLogits, 1, {1}));
  expect_shares(shares({.top_k = 100}), softmax(kLogits, 1, {0, 1, 2, 3, 4, 6, 7}));
}

TEST(Sampler, KeepsTheNucleus) {
  // Probabilities: 1 and 3 have 0.374 each, 6 has 0.138, 0 has 0.051.
  expect_shares(shares({.top_p = 0.3}), softmax(kLogits, 1, {1}));
  expect_shares(shares({.top_p = 0.7}), softmax(kLogits, 1, {1, 3}));
  expect_shares(shares({.top_p = 0.8}), softmax(kLogits, 1, {1, 3, 6}));
  expect_shares(shares({.top_p = 0}), softmax(kLogits, 1, {1}));
  expect_shares(shares({.top_k = 3, .top_p = 0.84}), softmax(kLogits, 1, {1, 3}));  // of what top-k left
}

TEST(Sampler, KeepsWhatReachesMinP) {
  expect_shares(shares({.min_p = 0.3}), softmax(kLogits, 1, {1, 3, 6}));
  expect_shares(shares({.min_p = 1}), softmax(kLogits, 1, {1, 3}));
}

TEST(Sampler, PenalisesWhatWasSaid) {
  SamplerScratch scratch(kVocab);
  Sampler presence({.temperature = 0, .presence_penalty = 0.5}, 0, {});
  EXPECT_EQ(presence.sample(kLogits, scratch).token, 1);
  EXPECT_EQ(presence.sample(kLogits, scratch).token, 3);
  EXPECT_EQ(presence.sample(kLogits, scratch).token, 1);  // both are down by 0.5, and once is enough
  Sampler frequency({.temperature = 0, .frequency_penalty = 0.6}, 0, {});
  std::map<int32_t, int> said;
  for (int i = 0; i < 5; ++i) ++said[frequency.sample(kLogits, scratch).token];
  EXPECT_EQ(said, (std::map<int32_t, int>{{1, 2}, {3, 2}, {6, 1}}));
}

TEST(Sampler, RepetitionPenaltyCountsThePrompt) {
  EXPECT_EQ(greedy({.temperature = 0, .repetition_penalty = 2}, kLogits, {1}), 3);
  EXPECT_EQ(greedy({.temperature = 0, .repetition_penalty = 2}, kLogits, {1, 3}), 6);
  // A negative logit grows more negative.
  EXPECT_EQ(greedy({.temperature = 0, .repetition_penalty = 2}, {-1, -1.5f, -9, -9, -9, -9, -9, -9}, {0}), 1);
}

TEST(Sampler, AddsLogitBias) {
  EXPECT_EQ(greedy({.temperature = 0, .logit_bias = {{2, 100}}}, kLogits), 2);
  EXPECT_EQ(greedy({.temperature = 0, .logit_bias = {{1, -100}, {3, -100}}}, kLogits), 6);
}

TEST(Sampler, TheSeedDecides) {
  SamplerScratch scratch(kVocab);
  const auto draw = [&](uint64_t seed) {
    Sampler sampler({}, seed, {});
    std::vector<int32_t> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(sampler.sample(kLogits, scratch).token);
    return tokens;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

TEST(Sampler, GivesTheModelsOwnLogprobs) {
  SamplerScratch scratch(kVocab);
  Sampler sampler({.temperature = 0, .logit_bias = {{4, 50}}, .top_logprobs = 3}, 0, {});
  const Sample sample = sampler.sample(kLogits, scratch);
  const std::vector<double> p = softmax(kLogits, 1, {0, 1, 2, 3, 4, 6, 7});
  EXPECT_EQ(sample.token, 4);
  EXPECT_NEAR(sample.logprob, std::log(p[4]), 1e-6);
  ASSERT_EQ(sample.top.size(), 3u);
  const std::vector<int32_t> expected{1, 3, 6};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(sample.top[i].token, expected[i]);
    EXPECT_NEAR(sample.top[i].logprob, std::log(p[static_cast<size_t>(expected[i])]), 1e-6);
  }
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  EXPECT_THROW(greedy({}, {NAN, 1, 1, 1, 1, 1, 1, 1}), Failure);
  EXPECT_THROW(greedy({}, {INFINITY, 1, 1, 1, 1, 1, 1, 1}), Failure);
  EXPECT_THROW(greedy({}, std::vector<float>(8, -INFINITY)), Failure);
}

TEST(Sampler, NamesTheOptionOutOfRange) {
  const auto name = [](const SamplingOptions& options) -> std::string {
    try {
      check(options, kVocab);
    } catch (const Failure& failure) {
      return std::string(failure.what()).substr(0, std::string(failure.what()).find(" ="));
    }
    return "";
  };
  EXPECT_EQ(name({}), "");
  EXPECT_EQ(name({.temperature = -1}), "temperature");
  EXPECT_EQ(name({.temperature = NAN}), "temperature");
  EXPECT_EQ(name({.top_k = -1}), "top_k");
  EXPECT_EQ(name({.top_p = 1.1}), "top_p");
  EXPECT_EQ(name({.repetition_penalty = 0}), "repetition_penalty");
  EXPECT_EQ(name({.logit_bias = {{8, 0}}}), "token id of logit_bias");
  EXPECT_EQ(name({.logit_bias = {{7, INFINITY}}}), "logit_bias");
}

TEST(Sampler, TakesTinyTemperatures) { EXPECT_EQ(greedy({.temperature = 1e-300, .top_k = 1}, kLogits), 1); }

TEST(Sampler, SaysWhenNothingIsLeft) {
  Sampler sampler({.temperature = 0, .allowed_tokens = {1}, .bad_words = {{1}}}, 1, {});
  SamplerScratch scratch(4);
  const std::vector<float> logits{1, 2, 3, 4};
  try {
    sampler.sample(logits, scratch);
    FAIL() << "expected a refusal";
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
  }
}

TEST(Sampler, TellsTheRankOfAToken) {
  SamplerScratch scratch(4);
  const std::vector<float> logits{1, 4, 4, 2};
  EXPECT_EQ(1, logprobs_of(logits, 2, 0, scratch).rank) << "of equals all are the first";
  EXPECT_EQ(3, logprobs_of(logits, 3, 0, scratch).rank);
  EXPECT_EQ(4, logprobs_of(logits, 0, 0, scratch).rank);
}

}  // namespace
}  // namespace maru::infer
