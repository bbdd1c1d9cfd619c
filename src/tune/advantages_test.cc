#include "tune/advantages.h"

#include <gtest/gtest.h>

namespace maru::tune {
namespace {

train::GroupPolicyConfig config(int64_t group, std::vector<double> weights) {
  train::GroupPolicyConfig c;
  c.num_generations = group;
  for (const double weight : weights) c.rewards.push_back({.kind = "exact", .weight = weight});
  return c;
}

TEST(Advantages, AreTrls) {
  const Json golden = read_json("tests/golden/group_policy.json");
  ASSERT_EQ(8u, golden["advantages"].size());
  for (const Json& expected : golden["advantages"]) {
    train::GroupPolicyConfig c =
        config(expected["num_generations"].get<int64_t>(), expected["weights"].get<std::vector<double>>());
    c.scale_rewards = expected["scale_rewards"].get<std::string>();
    c.multi_objective_aggregation = expected["multi_objective_aggregation"].get<std::string>();
    std::vector<std::vector<Score>> scores(c.rewards.size());
    for (const Json& row : expected["rewards"])
      for (size_t r = 0; r < scores.size(); ++r)
        scores[r].push_back(row[r].is_null() ? Score() : Score(row[r].get<double>()));
    const std::vector<double> advantages = advantages_of(c, scores);
    ASSERT_EQ(expected["advantages"].size(), advantages.size());
    for (size_t i = 0; i < advantages.size(); ++i)
      EXPECT_NEAR(expected["advantages"][i].get<double>(), advantages[i], 1e-6)
          << c.scale_rewards << " " << c.multi_objective_aggregation << " " << i;
  }
}

TEST(Advantages, AGroupThatAgreesTeachesNothing) {
  for (const char* scale : {"group", "batch", "none"}) {
    train::GroupPolicyConfig c = config(3, {1});
    c.scale_rewards = scale;
    EXPECT_EQ(std::vector<double>(3), advantages_of(c, {{0.7, 0.7, 0.7}})) << scale;
  }
}

TEST(Advantages, WhatNobodyCanJudgeIsLeftOutOfTheMean) {
  const train::GroupPolicyConfig c = config(3, {1, 1});
  const std::vector<std::vector<Score>> scores{{1.0, std::nullopt, 3.0}, {0.0, std::nullopt, std::nullopt}};
  const std::vector<double> advantages = advantages_of(c, scores);
  EXPECT_EQ(0, advantages[1]);
  EXPECT_NEAR(-advantages[0], advantages[2], 1e-12);
  EXPECT_EQ((std::vector<Score>{1.0, std::nullopt, 3.0}), total_rewards(c, scores));
  EXPECT_EQ(std::vector<double>(3), advantages_of(config(3, {1}), {{Score(), Score(), Score()}}));
}

TEST(Advantages, OneNumberHasNoSpread) {
  EXPECT_EQ(0, spread_of({2.0}).deviation);
  EXPECT_EQ(2, spread_of({2.0, std::nullopt}).mean);
  EXPECT_EQ(0, spread_of({}).count);
}

}  // namespace
}  // namespace maru::tune
