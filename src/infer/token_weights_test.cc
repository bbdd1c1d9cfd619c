#include "infer/token_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace maru::infer {
namespace {

std::vector<float> random_logits(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> logits(count);
  for (float& x : logits) x = static_cast<float>(random.uniform() * 40 - 20);
  return logits;
}

TEST(TokenWeights, FindsTheHighest) {
  for (const size_t count : {1u, 15u, 16u, 17u, 1000u}) {
    const std::vector<float> logits = random_logits(count, count);
    EXPECT_EQ(*std::max_element(logits.begin(), logits.end()), highest_of(logits)) << count;
  }
  for (const size_t at : {0u, 16u, 32u}) {  // in the last place too, behind whole lanes
    std::vector<float> logits(33, 1.0f);
    logits[at] = NAN;
    EXPECT_THROW(highest_of(logits), Failure) << at;
    logits[at] = -INFINITY;
    EXPECT_EQ(1, highest_of(logits));
  }
}

TEST(TokenWeights, AreExponentials) {
  std::vector<float> logits;
  for (int i = 0; i <= 90'000; ++i) logits.push_back(-static_cast<float>(i) / 1000);
  TokenWeights weights;
  weights.fill(logits, 0, 1);
  double expected_total = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double expected = std::exp(static_cast<double>(logits[i]));
    expected_total += expected;
    if (logits[i] >= -87)
      ASSERT_NEAR(weights.values()[i] / expected, 1, 3e-7) << logits[i];
    else
      ASSERT_EQ(0, weights.values()[i]) << logits[i];
  }
  EXPECT_NEAR(weights.total() / expected_total, 1, 1e-7);
  EXPECT_EQ(1, weights.values()[0]);
}

TEST(TokenWeights, FollowTheTemperature) {
  TokenWeights weights;
  const std::vector<float> logits{3, 1, -INFINITY, 1, 1};
  weights.fill(logits, 3, 0.5);
  EXPECT_NEAR(std::exp(-4), weights.values()[1], 1e-8);
  EXPECT_EQ(weights.values()[1], weights.values()[4]) << "the last ones are computed alone";
  EXPECT_EQ(0, weights.values()[2]);
  for (const double temperature : {1e-300, 1e-40, 1e6}) {
    weights.fill(logits, 3, temperature);
    EXPECT_EQ(1, weights.values()[0]) << temperature;
    EXPECT_NEAR(temperature > 1 ? 1 : 0, weights.values()[1], 1e-5) << temperature;
    EXPECT_EQ(0, weights.values()[2]) << temperature;
  }
}

TEST(TokenWeights, SharesOfTheTotalAreTokens) {
  std::vector<float> logits = random_logits(1000, 5);
  logits[0] = logits[999] = logits[256] = -INFINITY;
  TokenWeights weights;
  weights.fill(logits, highest_of(logits), 3);
  double reached = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double middle = (reached + static_cast<double>(weights.values()[i]) / 2) / weights.total();
    if (weights.values()[i] > 1e-3f) {
      ASSERT_EQ(static_cast<int32_t>(i), weights.at_share(middle));
    }
    reached += static_cast<double>(weights.values()[i]);
  }
  EXPECT_EQ(1, weights.at_share(0)) << "the first that is possible";
  EXPECT_EQ(998, weights.at_share(1)) << "the last one";
}

TEST(TokenWeights, TheHighestComeInOrder) {
  std::vector<float> logits = random_logits(1000, 9);
  logits[7] = logits[500] = 21;
  std::vector<int32_t> all(logits.size());
  std::iota(all.begin(), all.end(), 0);
  std::stable_sort(all.begin(), all.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  for (const size_t count : {0u, 1u, 2u, 20u, 1000u, 2000u}) {
    const std::vector<int32_t> expected(all.begin(),
                                        all.begin() + static_cast<ptrdiff_t>(std::min<size_t>(count, 1000)));
    EXPECT_EQ(expected, highest_ids(logits, count)) << count;
  }
}

TEST(TokenWeights, ThoseFromAWeightOn) {
  std::vector<Candidate> found;
  std::vector<float> weights(40, 0.25f);
  weights[3] = weights[17] = weights[39] = 0.5f;
  append_from(weights, 0.5f, found);
  ASSERT_EQ(3u, found.size());
  EXPECT_EQ(39, found[2].token);
  found.clear();
  append_from(std::vector<float>{0, 0.1f, 0}, 0, found);
  EXPECT_EQ(1u, found.size()) << "what is impossible is no candidate";
}

std::vector<Candidate> random_candidates(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<Candidate> all(count);
  for (size_t i = 0; i < count; ++i)  // many of one weight
    all[i] = {static_cast<float>(1 + random.below(count / 2 + 1)), static_cast<int32_t>(i)};
  return all;
}

std::vector<int32_t> tokens_of(std::vector<Candidate> candidates) {
  std::vector<int32_t> tokens;
  for (const Candidate& candidate : candidates) tokens.push_back(candidate.token);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

/// The same by sorting.
std::vector<Candidate> nucleus_of(std::vector<Candidate> all, double wanted) {
  std::sort(all.begin(), all.end(), is_likelier);
  double reached = 0;
  size_t count = 0;
  while (count < all.size() && (count == 0 || reached < wanted)) reached += static_cast<double>(all[count++].weight);
  all.resize(count);
  return all;
}

TEST(TokenWeights, TheNucleusIsTheFewestThatReach) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Candidate> all = random_candidates(1 + seed, seed);
    double total = 0;
    for (const Candidate& c : all) total += static_cast<double>(c.weight);
    for (const double share : {0.0, 0.01, 0.5, 0.9, 0.999, 1.0}) {
      std::vector<Candidate> kept = all;
      keep_nucleus(kept, share * total);
      ASSERT_EQ(tokens_of(nucleus_of(all, share * total)), tokens_of(kept)) << seed << " " << share;
    }
  }
}

TEST(TokenWeights, TheLikeliestAreFound) {
  std::vector<float> weights;
  std::vector<Candidate> sorted = random_candidates(1000, 3);
  for (const Candidate& c : sorted) weights.push_back(c.weight);
  std::sort(sorted.begin(), sorted.end(), is_likelier);
  for (const size_t count : {1u, 5u, 16u, 99u, 999u, 1000u, 2000u}) {
    std::vector<Candidate> found;
    append_likeliest(weights, count, found);
    const std::vector<Candidate> expected(sorted.begin(),
                                          sorted.begin() + static_cast<ptrdiff_t>(std::min<size_t>(count, 1000)));
    EXPECT_EQ(tokens_of(expected), tokens_of(found)) << count;
  }
}

}  // namespace
}  // namespace maru::infer
