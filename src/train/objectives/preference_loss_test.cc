#include "train/objectives/preference_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/random.h"
#include "train/objectives/preference_formulas.h"
#include "train/objectives/test_complex.h"

namespace maru::train {
namespace {

const std::vector<std::string> kOfOnePair = {"sigmoid",  "hinge",    "ipo",      "exo_pair",
                                             "nca_pair", "robust",   "bco_pair", "sppo_hard",
                                             "apo_zero", "apo_down", "discopop", "sigmoid_norm"};

std::vector<PreferencePair> pairs(uint64_t seed, size_t count = 5) {
  Random random(seed);
  std::vector<PreferencePair> all(count);
  for (PreferencePair& pair : all) {
    for (AnswerLikelihood* answer : {&pair.chosen, &pair.rejected}) {
      answer->tokens = static_cast<int64_t>(1 + random.below(9));
      answer->reference = -30 * random.uniform();
      answer->policy = answer->reference + random.normal();
    }
    pair.chosen_nll = -pair.chosen.policy;
  }
  return all;
}

PreferenceConfig config(std::vector<std::string> types) {
  PreferenceConfig c;
  c.loss_type = std::move(types);
  c.beta = 0.3, c.label_smoothing = 0.1;
  return c;
}

double sum_of(const PreferenceConfig& c, const std::vector<PreferencePair>& pairs) {
  return preference_loss(c, pairs).sum;
}

TEST(PreferenceLoss, SlopesAreThoseOfAComplexStep) {
  for (const char* divergence : {"reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"})
    for (const std::string& type : kOfOnePair) {
      PreferenceConfig c = config({type});
      c.f_divergence_type = divergence;
      for (const PreferencePair& pair : pairs(1, 8)) {
        const PreferenceLoss loss = preference_loss(c, std::span(&pair, 1));
        const auto stepped = [&](double chosen, double rejected) {
          const PairTerm<Complex> term{
              Complex({pair.chosen.log_ratio(), chosen}), Complex({pair.rejected.log_ratio(), rejected}),
              static_cast<double>(pair.chosen.tokens), static_cast<double>(pair.rejected.tokens)};
          return pair_loss(c, type, term).z;
        };
        const double size = 1e-12 * (1 + std::abs(loss.sum) + std::abs(loss.pairs[0].chosen));
        EXPECT_NEAR(stepped(0, 0).real(), loss.sum, size) << type << " " << divergence;
        EXPECT_NEAR(stepped(kComplexStep, 0).imag() / kComplexStep, loss.pairs[0].chosen, size)
            << type << " " << divergence;
        EXPECT_NEAR(stepped(0, kComplexStep).imag() / kComplexStep, loss.pairs[0].rejected, size)
            << type << " " << divergence;
      }
    }
}

// Of sums over pairs that are sorted and of mixtures, to which the formulas of one pair are only parts.
TEST(PreferenceLoss, SlopesOfSumsAreThoseOfDifferences) {
  const std::vector<PreferencePair> at = pairs(2, 7);
  std::vector<PreferenceConfig> configs{config({"aot"}), config({"aot_unpaired"}), config({"sft"}),
                                        config({"sigmoid", "aot_unpaired", "sft", "ipo"})};
  configs.back().loss_weights = {0.5, 2, 0.25, -1};
  for (const PreferenceConfig& c : configs) {
    const PreferenceLoss loss = preference_loss(c, at);
    const auto slope = [&](auto&& member) {
      constexpr double kStep = 1e-6;
      std::vector<PreferencePair> above = at, below = at;
      member(above) += kStep, member(below) -= kStep;
      return (sum_of(c, above) - sum_of(c, below)) / (2 * kStep);
    };
    for (size_t i = 0; i < at.size(); ++i) {
      EXPECT_NEAR(slope([&](auto& all) -> double& { return all[i].chosen.policy; }), loss.pairs[i].chosen, 1e-7);
      EXPECT_NEAR(slope([&](auto& all) -> double& { return all[i].rejected.policy; }), loss.pairs[i].rejected, 1e-7);
      EXPECT_NEAR(slope([&](auto& all) -> double& { return all[i].chosen_nll; }), loss.chosen_nll, 1e-7);
    }
  }
}

TEST(PreferenceLoss, LabelSmoothingIsNotUsedBySigmoid) {
  PreferenceConfig smoothed = config({"sigmoid"}), plain = smoothed;
  plain.label_smoothing = 0;
  const auto at = pairs(3);
  EXPECT_EQ(sum_of(plain, at), sum_of(smoothed, at));
  smoothed.loss_type = plain.loss_type = {"robust"};
  EXPECT_NE(sum_of(plain, at), sum_of(smoothed, at));
}

TEST(PreferenceLoss, IpoAndSigmoidNormAreNormalisedByLength) {
  for (const char* type : {"ipo", "sigmoid_norm"}) {
    std::vector<PreferencePair> once = pairs(4), twice = once;
    for (PreferencePair& pair : twice)
      for (AnswerLikelihood* answer : {&pair.chosen, &pair.rejected})
        answer->policy *= 2, answer->reference *= 2, answer->tokens *= 2;
    EXPECT_NEAR(sum_of(config({type}), once), sum_of(config({type}), twice), 1e-12) << type;
    EXPECT_GT(std::abs(sum_of(config({"sigmoid"}), once) - sum_of(config({"sigmoid"}), twice)), 1e-3);
  }
}

TEST(PreferenceLoss, BeforeAnythingIsLearnt) {
  const std::vector<PreferencePair> same{{{-3, -3, 4}, {-5, -5, 2}, 3}};
  const double ln2 = std::numbers::ln2;
  const std::pair<const char*, double> kCases[] = {{"sigmoid", ln2},      {"hinge", 1},          {"ipo", 25.0 / 9},
                                                   {"robust", ln2},       {"nca_pair", 2 * ln2}, {"bco_pair", 2 * ln2},
                                                   {"apo_zero", 1},       {"apo_down", 1},       {"aot", ln2},
                                                   {"aot_unpaired", ln2}, {"sft", 0.75},         {"sigmoid_norm", ln2}};
  for (const auto& [type, expected] : kCases) EXPECT_NEAR(expected, sum_of(config({type}), same), 1e-12) << type;
}

TEST(PreferenceLoss, StaysFiniteFarAway) {
  for (const double far : {-2000.0, 2000.0}) {
    const std::vector<PreferencePair> at{{{far - 3, -3, 4}, {-far - 5, -5, 2}, 3}};
    for (const std::string& type : kOfOnePair) {
      if (type == "discopop") continue;  // grows as e^(-x)
      const PreferenceLoss loss = preference_loss(config({type}), at);
      EXPECT_TRUE(std::isfinite(loss.sum) && std::isfinite(loss.pairs[0].chosen)) << type << " " << far;
    }
  }
}

std::string refusal_of(const PreferenceConfig& c) {
  try {
    check(c);
    return "none";
  } catch (const Failure& e) {
    return e.what();
  }
}

TEST(PreferenceLoss, RefusesWhatMakesNoSense) {
  const auto with = [](std::vector<std::string> types, double smoothing) {
    PreferenceConfig c;
    c.loss_type = std::move(types), c.label_smoothing = smoothing;
    return c;
  };
  EXPECT_EQ("none", refusal_of({}));
  EXPECT_EQ("none", refusal_of(with({"exo_pair", "robust"}, 1e-3)));
  EXPECT_EQ("recipe: preference.loss_type: expected at least one", refusal_of(with({}, 0)));
  EXPECT_EQ(
      "recipe: preference.label_smoothing: exo_pair takes its logarithm: expected a number between 0 and 1, such "
      "as 1e-3, got 0",
      refusal_of(with({"exo_pair"}, 0)));
  EXPECT_EQ("recipe: preference.label_smoothing: robust expects less than 0.5, got 0.5",
            refusal_of(with({"robust"}, 0.5)));
  EXPECT_EQ(
      "recipe: preference.label_smoothing: is not used by sigmoid, ipo: expected 0, or one of exo_pair, robust, "
      "aot, aot_unpaired as loss_type",
      refusal_of(with({"sigmoid", "ipo"}, 0.1)));
  PreferenceConfig c = with({"sigmoid", "sft"}, 0);
  c.loss_weights = {1};
  EXPECT_EQ("recipe: preference.loss_weights: expected 2, one for each loss_type, got 1", refusal_of(c));
  c = with({"sigmoid", "apo_zero"}, 0);
  c.f_divergence_type = "forward_kl";
  EXPECT_EQ("recipe: preference.f_divergence_type: apo_zero is defined for reverse_kl alone, got forward_kl",
            refusal_of(c));
  c = with({"sigmoid", "aot"}, 0);
  c.use_weighting = true;
  EXPECT_EQ(
      "recipe: preference.use_weighting: aot, aot_unpaired and sft are of many pairs together: none has a loss to "
      "be weighted",
      refusal_of(c));
  try {
    from_json<PreferenceConfig>(Json{{"loss_type", {"sigmoid", "dpo"}}}, "r.yaml");
    ADD_FAILURE();
  } catch (const Failure& e) {
    EXPECT_NE(std::string(e.what()).find("loss_type[1]: expected one of: sigmoid hinge"), std::string::npos)
        << e.what();
    EXPECT_NE(std::string(e.what()).find("sigmoid_norm"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace maru::train
