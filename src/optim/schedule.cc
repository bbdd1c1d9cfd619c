#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace maru {
namespace {

int64_t warmup_of(const ScheduleConfig& config, int64_t steps) {
  return config.warmup_steps >= 0 ? config.warmup_steps : std::min<int64_t>(200, std::max<int64_t>(1, steps / 50));
}

// From 1 to final_ratio along `shape`, which falls from 1 to 0.
double decayed(const ScheduleConfig& config, double shape) {
  return config.final_ratio + (1 - config.final_ratio) * shape;
}

}  // namespace

double schedule_factor(const ScheduleConfig& config, int64_t step, int64_t steps) {
  const int64_t warmup = warmup_of(config, steps);
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  // The first step behind the warm-up is at the peak, the last step of the run at final_ratio.
  const double left = static_cast<double>(steps - 1 - warmup);
  const double done = left > 0 ? std::min(1.0, static_cast<double>(step - warmup) / left) : 1;
  if (config.name == "cosine") return decayed(config, 0.5 * (1 + std::cos(std::numbers::pi * done)));
  if (config.name == "constant") return 1;
  const double decay = config.decay_fraction > 0 ? (done - (1 - config.decay_fraction)) / config.decay_fraction : 0;
  return decay <= 0 ? 1 : decayed(config, 1 - std::sqrt(std::min(1.0, decay)));
}

}  // namespace maru
