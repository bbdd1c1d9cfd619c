// Scaled rotary frequencies against those of transformers 5 (modeling_rope_utils), printed to 8 digits.
#include "models/rope_scaling.h"

#include <gtest/gtest.h>

namespace maru {
namespace {

void expect_frequencies(const RopeFrequencies& got, const std::vector<double>& expected, double magnitude) {
  ASSERT_EQ(expected.size(), got.frequencies.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(expected[i], got.frequencies[i], 1e-6 * expected[i]) << "pair " << i;
  EXPECT_NEAR(magnitude, got.magnitude, 1e-6);
}

TEST(RopeScaling, Linear) {
  const RopeScaling s{.rope_type = "linear", .factor = 4};
  expect_frequencies(
      rope_frequencies(s, 10000, 16, 64),
      {0.25, 0.079056941, 0.025, 0.0079056947, 0.0024999999, 0.00079056947, 0.00025000001, 7.9056947e-05}, 1);
}

TEST(RopeScaling, Dynamic) {
  const RopeScaling s{.rope_type = "dynamic", .factor = 4, .original_max_position_embeddings = 64};
  expect_frequencies(
      rope_frequencies(s, 10000, 16, 200),
      {1, 0.22925837, 0.052559398, 0.012049682, 0.0027624907, 0.00063332409, 0.00014519485, 3.3287135e-05}, 1);
}

TEST(RopeScaling, Yarn) {
  const RopeScaling s{.rope_type = "yarn", .factor = 4, .original_max_position_embeddings = 4096};
  expect_frequencies(rope_frequencies(s, 10000, 16, 64),
                     {1, 0.31622776, 0.1, 0.025693506, 0.0062499996, 0.0013834966, 0.00025000001, 7.9056947e-05},
                     1.13862944);
}

TEST(RopeScaling, YarnMscale) {
  const RopeScaling s{.rope_type = "yarn",
                      .factor = 40,
                      .original_max_position_embeddings = 4096,
                      .beta_fast = 16,
                      .beta_slow = 2,
                      .mscale = 0.8,
                      .mscale_all_dim = 0.5,
                      .truncate = false};
  expect_frequencies(rope_frequencies(s, 10000, 16, 64),
                     {1, 0.31622776, 0.1, 0.031622779, 0.0057901046, 0.00012395246, 2.4999999e-05, 7.9056945e-06},
                     1.09343319);
}

TEST(RopeScaling, Llama3) {
  const RopeScaling s{.rope_type = "llama3",
                      .factor = 8,
                      .original_max_position_embeddings = 100,
                      .low_freq_factor = 1,
                      .high_freq_factor = 4};
  expect_frequencies(
      rope_frequencies(s, 500000, 16, 64),
      {1, 0.14224748, 0.0047007538, 0.00091158313, 0.00017677668, 3.4281024e-05, 6.6478697e-06, 1.2891732e-06}, 1);
}

TEST(RopeScaling, Longrope) {
  const RopeScaling s{.rope_type = "longrope",
                      .factor = 4,
                      .original_max_position_embeddings = 16,
                      .short_factor = {1, 1, 1, 1, 1, 1, 1, 1},
                      .long_factor = {1, 1.5, 2, 3, 4, 6, 8, 9}};
  expect_frequencies(
      rope_frequencies(s, 10000, 16, 64),
      {1, 0.2108185, 0.050000001, 0.010540925, 0.0024999999, 0.00052704633, 0.00012500001, 3.5136418e-05}, 1.22474487);
}

TEST(RopeScaling, LongropeTakesItsLongFactorsBeyondTheOriginalContext) {
  const RopeScaling s{.rope_type = "longrope",
                      .factor = 4,
                      .original_max_position_embeddings = 64,
                      .short_factor = {1, 2},
                      .long_factor = {4, 8}};
  EXPECT_EQ(1.0, rope_frequencies(s, 100, 4, 64).frequencies[0]);
  EXPECT_EQ(0.25, rope_frequencies(s, 100, 4, 65).frequencies[0]);
  EXPECT_THROW(rope_frequencies(s, 100, 8, 65), Failure);
}

TEST(RopeScaling, DynamicIsPlainUpToTheOriginalContext) {
  const RopeScaling s{.rope_type = "dynamic", .factor = 4, .original_max_position_embeddings = 64};
  EXPECT_EQ(rope_frequencies({}, 1e4, 8, 64).frequencies, rope_frequencies(s, 1e4, 8, 64).frequencies);
  EXPECT_LT(rope_frequencies(s, 1e4, 8, 65).frequencies[3], rope_frequencies({}, 1e4, 8, 65).frequencies[3]);
}

}  // namespace
}  // namespace maru
