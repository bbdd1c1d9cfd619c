#include <algorithm>
#include <cmath>

#include "tune/rewards/rules.h"

namespace maru::tune {

double target_length_reward(int64_t tokens, int64_t target) {
  return std::max(0.0, 1 - std::abs(static_cast<double>(tokens - target)) / static_cast<double>(target));
}

double limit_length_reward(int64_t tokens, int64_t limit) {
  return std::clamp(2 - static_cast<double>(tokens) / static_cast<double>(limit), 0.0, 1.0);
}

}  // namespace maru::tune
