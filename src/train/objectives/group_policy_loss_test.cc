#include "train/objectives/group_policy_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "base/random.h"
#include "train/objectives/group_policy_formulas.h"

namespace maru::train {
namespace {

/// A complex number as the formulas take numbers: the slope of what is analytic is Im f(x + ih) / h, without
/// cancellation (Squire & Trapp 1998).
struct Complex {
  std::complex<double> z;
  Complex(double x) : z(x) {}  // NOLINT(google-explicit-constructor): a constant
  explicit Complex(std::complex<double> x) : z(x) {}
  friend Complex operator+(const Complex& x, const Complex& y) { return Complex(x.z + y.z); }
  friend Complex operator-(const Complex& x, const Complex& y) { return Complex(x.z - y.z); }
  friend Complex operator-(const Complex& x) { return Complex(-x.z); }
  friend Complex operator*(const Complex& x, const Complex& y) { return Complex(x.z * y.z); }
};
Complex exp(const Complex& x) { return Complex(std::exp(x.z)); }
Complex log_sigmoid(const Complex& x) {
  if (x.z.real() < 0) return Complex(x.z - std::log(1.0 + std::exp(x.z)));
  return Complex(-std::log(1.0 + std::exp(-x.z)));
}
double real_part(const Complex& x) { return x.z.real(); }

const std::vector<std::string> kTypes = {"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo", "sapo", "vespo"};

std::vector<PolicyAnswer> answers(uint64_t seed, size_t count = 6) {
  Random random(seed);
  std::vector<PolicyAnswer> all(count);
  for (PolicyAnswer& answer : all) {
    answer.advantage = random.normal();
    for (uint64_t t = 1 + random.below(7); t-- > 0;) {
      answer.policy.push_back(-4 * random.uniform());
      answer.old.push_back(answer.policy.back() + 0.4 * random.normal());
      answer.reference.push_back(answer.policy.back() + 0.5 * random.normal());
    }
  }
  return all;
}

GroupPolicyConfig config(const std::string& type) {
  GroupPolicyConfig c;
  c.loss_type = type;
  c.max_completion_length = 10;
  return c;
}

// An answer's sum with token `stepped` moved along the imaginary axis; written out again, token by token.
Complex stepped_sum(const GroupPolicyConfig& c, const PolicyAnswer& answer, size_t stepped, double step) {
  const size_t n = answer.policy.size();
  std::vector<Complex> policy(answer.policy.begin(), answer.policy.end());
  policy[stepped] = Complex({answer.policy[stepped], step});
  Complex mean(0.0);
  double sum = 0;
  for (size_t t = 0; t < n; ++t) {
    mean = mean + (1 / static_cast<double>(n)) * (policy[t] - answer.old[t]);
    sum += answer.policy[t] - answer.old[t];
  }
  Complex total(0.0);
  for (size_t t = 0; t < n; ++t) {
    const bool whole = c.importance_sampling_level == "sequence";
    const PolicyTerm<Complex> term{policy[t], whole ? mean : policy[t] - answer.old[t], answer.advantage,
                                   gamma_weight(c, answer.advantage, sum)};
    total = total + token_loss(c, term);
    if (c.beta != 0) total = total + c.beta * divergence(c, term, answer.reference[t]);
  }
  return total;
}

TEST(GroupPolicyLoss, SlopesAreThoseOfAComplexStep) {
  constexpr double kStep = 1e-100;
  for (const std::string& type : kTypes)
    for (const char* level : {"token", "sequence"})
      for (const double beta : {0.0, 0.2})
        for (const bool correction : {true, false})
          for (const PolicyAnswer& answer : answers(3, 8)) {
            GroupPolicyConfig c = config(type);
            c.importance_sampling_level = level, c.beta = beta, c.use_bias_correction_kl = correction;
            const GroupPolicyLoss loss = group_policy_loss(c, std::span(&answer, 1));
            const double n = static_cast<double>(answer.policy.size());
            const double share = type == "dr_grpo"                                    ? 0.1
                                 : type == "grpo" || type == "sapo" || type == "bnpo" ? 1 / n
                                                                                      : 1;
            for (size_t t = 0; t < answer.policy.size(); ++t) {
              const Complex sum = stepped_sum(c, answer, t, kStep);
              EXPECT_NEAR(share * sum.z.real(), loss.sum, 1e-12 * (1 + std::abs(loss.sum))) << type << level;
              EXPECT_NEAR(share * sum.z.imag() / kStep, loss.slopes[0][t], 1e-12 * (1 + std::abs(loss.slopes[0][t])))
                  << type << " " << level << " " << beta << " " << t;
            }
          }
}

TEST(GroupPolicyLoss, WhereNothingHasChangedTheRatioIsOneAndTheDivergenceZero) {
  for (const std::string& type : kTypes) {
    GroupPolicyConfig c = config(type);
    c.beta = 0.3;
    std::vector<PolicyAnswer> all = answers(5);
    for (PolicyAnswer& answer : all) answer.old = answer.reference = answer.policy;
    const GroupPolicyLoss loss = group_policy_loss(c, all);
    EXPECT_EQ(0, loss.divergence) << type;
    EXPECT_EQ(0, loss.ratio_difference) << type;
    EXPECT_EQ(type == "cispo" ? loss.clipped : 0, loss.clipped) << type;
    for (size_t i = 0; i < all.size(); ++i)
      for (const double slope : loss.slopes[i]) EXPECT_LE(slope * all[i].advantage, 0) << type;
  }
}

// One micro-batch or two: dapo's sums add up, and what divides them is of the whole step.
TEST(GroupPolicyLoss, AccumulatedIsOneBatch) {
  for (const std::string& type : kTypes) {
    if (type == "bnpo") continue;  // the mean of a micro-batch, by its definition
    const GroupPolicyConfig c = config(type);
    const std::vector<PolicyAnswer> all = answers(7);
    const auto half = std::span(all).first(2), rest = std::span(all).subspan(2);
    const GroupPolicyLoss one = group_policy_loss(c, all), a = group_policy_loss(c, half),
                          b = group_policy_loss(c, rest);
    EXPECT_NEAR(one.sum, a.sum + b.sum, 1e-12) << type;
    EXPECT_EQ(counted_of(c, one.tokens, 6), counted_of(c, a.tokens, 2) + counted_of(c, b.tokens, 4)) << type;
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(one.slopes[2 + i], b.slopes[i]) << type;
  }
}

// Exponentials that overflow in the branch that is not taken would make slopes of 0 · infinity.
TEST(GroupPolicyLoss, StaysFiniteFarAway) {
  for (const std::string& type : kTypes)
    for (const char* level : {"token", "sequence"})
      for (const double advantage : {1.0, 0.0})
        for (const double far : {-2000.0, 2000.0}) {
          GroupPolicyConfig c = config(type);
          c.importance_sampling_level = level;
          const PolicyAnswer answer{.advantage = advantage, .policy = {-1.0, -2.0}, .old = {-1.0 - far, -2.0 - far}};
          const GroupPolicyLoss loss = group_policy_loss(c, std::span(&answer, 1));
          EXPECT_TRUE(std::isfinite(loss.sum)) << type << " " << level << " " << far;
          for (const double slope : loss.slopes[0]) EXPECT_TRUE(std::isfinite(slope)) << type << " " << level << far;
        }
}

TEST(GroupPolicyLoss, AnswersOfNoTokensCostNothing) {
  for (const std::string& type : kTypes) {
    GroupPolicyConfig c = config(type);
    for (const char* level : {"token", "sequence"}) {
      c.importance_sampling_level = level;
      const PolicyAnswer nothing{.advantage = 2};
      const GroupPolicyLoss loss = group_policy_loss(c, std::span(&nothing, 1));
      EXPECT_EQ(0, loss.sum) << type;
      EXPECT_TRUE(loss.slopes[0].empty());
    }
  }
}

std::string error_of(const GroupPolicyConfig& c) {
  try {
    check(c);
    return "no error";
  } catch (const Failure& e) {
    return e.error().message;
  }
}

TEST(GroupPolicyLoss, WhatMakesNoSenseIsRefusedByName) {
  GroupPolicyConfig c;
  EXPECT_EQ("recipe: group_policy.rewards: expected at least one: answers are judged by something", error_of(c));
  c.rewards = {{.kind = "exact"}, {.kind = "exact"}};
  EXPECT_EQ("recipe: group_policy.rewards: two are called exact: give one of them another name", error_of(c));
  c.rewards[1].name = "again";
  EXPECT_EQ("no error", error_of(c));
  c.delta = 1.2;
  EXPECT_EQ("recipe: group_policy.delta: expected more than 1 + epsilon_high = 1.2, got 1.2", error_of(c));
  c.delta = 4, c.loss_type = "sapo";
  EXPECT_EQ("recipe: group_policy.delta: is not used by sapo", error_of(c));
  c.delta.reset(), c.epsilon = 1;
  EXPECT_EQ("recipe: group_policy.epsilon: expected less than 1, got 1: ratios are above 0", error_of(c));
}

}  // namespace
}  // namespace maru::train
