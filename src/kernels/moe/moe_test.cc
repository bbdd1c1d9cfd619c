// The choice of experts, against orders worked out by hand.
#include "kernels/moe/moe.h"

#include <gtest/gtest.h>

#include <vector>

namespace maru::kernels {
namespace {

struct Chosen {
  std::vector<double> weights;
  std::vector<int32_t> places, rows, first;
};

Chosen choose(const std::vector<double>& logits, Route<double> a) {
  const auto pairs = static_cast<size_t>(a.rows * a.per_token);
  a.spare = 2;
  Chosen c{std::vector<double>(pairs), std::vector<int32_t>(pairs), std::vector<int32_t>(pairs + 2, -1),
           std::vector<int32_t>(static_cast<size_t>(a.experts + 1))};
  ThreadPool pool(1);
  CpuStream stream{&pool};
  std::vector<std::byte> scratch(static_cast<size_t>(route_scratch_bytes<double>(stream, a.experts)));
  a.weights = c.weights.data();
  a.places = c.places.data();
  a.grouped_rows = c.rows.data();
  a.first = c.first.data();
  a.logits = logits.data();
  a.scratch = scratch.data();
  route(stream, a);
  return c;
}

TEST(Route, OrdersPairsByExpert) {
  // Experts of the three rows: {1, 2}, {0, 2}, {1, 2}.
  const Chosen c = choose({0, 2, 1, 5, 0, 5, -1, 0, 3}, {.rows = 3,
                                                         .experts = 3,
                                                         .per_token = 2,
                                                         .sigmoid = false,
                                                         .normalise = true,
                                                         .scale = 1,
                                                         .groups = 1,
                                                         .top_groups = 1});
  EXPECT_EQ((std::vector<int32_t>{0, 1, 3, 6}), c.first);
  EXPECT_EQ((std::vector<int32_t>{1, 0, 2, 0, 1, 2, 0, 0}), c.rows) << "and two spare ones";
  EXPECT_EQ((std::vector<int32_t>{1, 3, 0, 4, 2, 5}), c.places);
  EXPECT_NEAR(std::exp(2) / (std::exp(2) + std::exp(1)), c.weights[0], 1e-15);
  EXPECT_NEAR(0.5, c.weights[2], 1e-15);
}

TEST(Route, GroupsAndBiasDecideButDoNotWeigh) {
  // Groups {0, 1} and {2, 3}: the bias lifts the second above the first, although expert 0 has the largest logit.
  const std::vector<double> bias{0, 0, 0.9, 0.9};
  Route<double> a{.rows = 1,
                  .experts = 4,
                  .per_token = 1,
                  .sigmoid = true,
                  .normalise = false,
                  .scale = 2,
                  .groups = 2,
                  .top_groups = 1};
  a.bias = bias.data();
  const Chosen c = choose({3, -1, 0, 1}, a);
  EXPECT_EQ((std::vector<int32_t>{0, 0, 0, 0, 1}), c.first);
  EXPECT_NEAR(2 / (1 + std::exp(-1)), c.weights[0], 1e-15);
}

}  // namespace
}  // namespace maru::kernels
