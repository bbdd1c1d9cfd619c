// The formulas of KTO, ORPO and CPO: slopes, limits, traps, refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "base/random.h"
#include "train/objectives/cpo_loss.h"
#include "train/objectives/kto_loss.h"
#include "train/objectives/orpo_loss.h"
#include "train/objectives/test_complex.h"

namespace maru::train {
namespace {

/// A loss of two numbers, as each type has it.
struct Formula {
  std::string name;
  std::function<Dual(const Dual&, const Dual&)> dual;
  std::function<Complex(const Complex&, const Complex&)> complex;
};

template <class F>
Formula formula(const std::string& name, const F& f) {
  return {name, [f](const Dual& x, const Dual& y) { return f(x, y); },
          [f](const Complex& x, const Complex& y) { return f(x, y); }};
}

std::vector<Formula> all_formulas() {
  std::vector<Formula> all{formula("orpo", [](const auto& x, const auto& y) { return orpo_loss({0.7}, x, y); })};
  for (const char* type : {"sigmoid", "hinge", "ipo", "simpo"})
    for (const double alpha : {0.0, 0.25, -0.1}) {
      CpoConfig c{.loss_type = type, .beta = 0.3, .simpo_gamma = 0.4, .alpha = alpha};
      if (type != std::string("hinge") && type != std::string("ipo")) c.label_smoothing = 0.1;
      all.push_back(
          formula(type + std::to_string(alpha), [c](const auto& x, const auto& y) { return cpo_loss(c, x, y); }));
    }
  for (const char* type : {"kto", "apo_zero_unpaired"}) {
    const KtoConfig c{.loss_type = type, .beta = 0.6, .desirable_weight = 1.3, .undesirable_weight = 0.8};
    all.push_back(formula(
        type, [c](const auto& x, const auto& y) { return kto_loss(c, true, x, 0.4) + kto_loss(c, false, y, 0.4); }));
  }
  return all;
}

TEST(AnswerLosses, SlopesAreThoseOfAComplexStep) {
  Random random(3);
  for (const Formula& f : all_formulas())
    for (int i = 0; i < 20; ++i) {
      const double x = -8 * random.uniform() - 1e-3, y = -8 * random.uniform() - 1e-3;
      const Dual dual = f.dual({x, 1, 0}, {y, 0, 1});
      const double size = 1e-12 * (1 + std::abs(dual.value) + std::abs(dual.first) + std::abs(dual.second));
      const auto step = [&](double dx, double dy) {
        return f.complex(Complex({x, dx}), Complex({y, dy})).z.imag() / kComplexStep;
      };
      EXPECT_NEAR(f.complex(Complex(x), Complex(y)).z.real(), dual.value, size) << f.name;
      EXPECT_NEAR(step(kComplexStep, 0), dual.first, size) << f.name;
      EXPECT_NEAR(step(0, kComplexStep), dual.second, size) << f.name;
    }
}

TEST(AnswerLosses, StayFiniteFarAway) {
  for (const Formula& f : all_formulas()) {
    if (f.name.find("0.25") != std::string::npos) continue;  // grows as p^-alpha
    for (const double x : {-2000.0, -30.0, -1e-9, -1e-14, 0.0})
      for (const double y : {-2000.0, -30.0, -1e-9, -1e-14, 0.0}) {
        const Dual loss = f.dual({x, 1, 0}, {y, 0, 1});
        EXPECT_TRUE(std::isfinite(loss.value) && std::isfinite(loss.first) && std::isfinite(loss.second))
            << f.name << " " << x << " " << y;
      }
  }
}

// d/dp of −log σ(log odds) = −σ(−lo) / (1 − eᵖ) → −odds of the other / eᵖ where the answer is certain.
TEST(AnswerLosses, OrpoOfAnAnswerThatIsCertainHasTheSlopeOfTheLimit) {
  const double rejected = -1, odds = std::exp(rejected) / (1 - std::exp(rejected));
  const Dual loss = orpo_loss<Dual>({1}, {0, 1, 0}, {rejected, 0, 1});
  EXPECT_NEAR(-odds, loss.first, 1e-6);
  EXPECT_NEAR(0, loss.value, 1e-8);
}

TEST(AnswerLosses, BeforeAnythingIsLearnt) {
  EXPECT_NEAR(0.5, kto_loss<Dual>({}, true, 0, 0).value, 1e-15);
  EXPECT_NEAR(0.5, kto_loss<Dual>({}, false, 0, 0).value, 1e-15);
  EXPECT_NEAR(0.1 * std::numbers::ln2, orpo_loss<Dual>({}, -2, -2).value, 1e-15);
  EXPECT_NEAR(std::numbers::ln2, cpo_loss<Dual>({}, -3, -3).value, 1e-15);
}

TEST(AnswerLosses, KtosZIsOfTheOneKindAlone) {
  EXPECT_NE(kto_loss<Dual>({}, true, 1, 0).value, kto_loss<Dual>({}, true, 1, 2).value);
  const KtoConfig apo{.loss_type = "apo_zero_unpaired"};
  EXPECT_EQ(kto_loss<Dual>(apo, true, 1, 0).value, kto_loss<Dual>(apo, true, 1, 2).value);
}

TEST(AnswerLosses, SimpoAsksForAMargin) {
  const CpoConfig plain{}, simpo{.loss_type = "simpo"};
  EXPECT_NEAR(cpo_loss<Dual>(plain, -1 - 0.5 / 0.1, -1).value, cpo_loss<Dual>(simpo, -1, -1).value, 1e-12)
      << "gamma / beta is taken from the difference";
}

// The trap of TRL's defaults: SimPO with cpo_alpha 1 is another loss than the paper's.
TEST(AnswerLosses, CpoAlphaIsOneUnlessItIsSaid) {
  EXPECT_EQ(1, CpoConfig().cpo_alpha);
  EXPECT_EQ(0.5, CpoConfig().simpo_gamma);
  EXPECT_EQ(0.1, CpoConfig().beta);
  EXPECT_EQ(0.1, OrpoConfig().beta);
}

TEST(AnswerLosses, SmoothingThatIsNotUsedIsRefused) {
  CpoConfig c{.loss_type = "hinge", .label_smoothing = 0.1};
  try {
    check(c);
    ADD_FAILURE();
  } catch (const Failure& e) {
    EXPECT_STREQ("recipe: cpo.label_smoothing: is not used by hinge: expected 0, or sigmoid or simpo as loss_type",
                 e.what());
  }
  c.loss_type = "simpo";
  EXPECT_NO_THROW(check(c));
  EXPECT_THROW(from_json<CpoConfig>(Json{{"loss_type", "alphapo"}}, "r.yaml"), Failure);
  EXPECT_THROW(from_json<KtoConfig>(Json{{"loss_type", "bco"}}, "r.yaml"), Failure);
}

}  // namespace
}  // namespace maru::train
