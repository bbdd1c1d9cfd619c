// Confidence intervals of accuracies.
#pragma once
#include <cstdint>

namespace maru::eval {

struct Interval {
  double low = 0, high = 1;
};

/// The normal distribution's two-sided 95 % quantile.
inline constexpr double kNormal95 = 1.959963984540054;

/// Wilson's score interval for a proportion; [0, 1] for no trials.
/// Throws: kInvalidArgument unless 0 ≤ successes ≤ trials.
/// Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
Interval wilson_interval(int64_t successes, int64_t trials, double quantile = kNormal95);

}  // namespace maru::eval
