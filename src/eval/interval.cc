#include "eval/interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace maru::eval {

Interval wilson_interval(int64_t successes, int64_t trials, double quantile) {
  if (successes < 0 || successes > trials)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[wilson_interval] {} successes of {} trials", successes, trials));
  if (trials == 0) return {};
  const double n = static_cast<double>(trials), p = static_cast<double>(successes) / n, z2 = quantile * quantile;
  const double centre = p + z2 / (2 * n);
  const double half = quantile * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  const double scale = 1 / (1 + z2 / n);
  return {std::max(0.0, (centre - half) * scale), std::min(1.0, (centre + half) * scale)};
}

}  // namespace maru::eval
