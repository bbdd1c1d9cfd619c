// Learning rate over the steps of a run.
#pragma once
#include <cstdint>
#include <string>

#include "base/fields.h"

namespace maru {

struct ScheduleConfig {
  std::string name = "cosine";
  int64_t warmup_steps = -1;    // -1: 2 % of the run, at most 200
  double final_ratio = 0.1;     // learning rate at the end, as a fraction of the peak
  double decay_fraction = 0.2;  // wsd: the part of the run that decays
  static constexpr auto fields() {
    using C = ScheduleConfig;
    return std::tuple{
        field("name", &C::name, "shape after the warm-up").one_of("cosine|wsd|constant"),
        field("warmup_steps", &C::warmup_steps, "linear warm-up; -1: 2 % of the run, at most 200").range(-1, 1e9),
        field("final_ratio", &C::final_ratio, "last learning rate / peak").range(0, 1),
        field("decay_fraction", &C::decay_fraction, "wsd: last part of the run, which decays").range(0, 1)};
  }
};

/// Factor on the peak learning rate at `step` (0 is the first) of `steps`. The last step, steps - 1, has final_ratio.
///
/// Source  cosine: Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5; wsd (warm-up, stable, decay with 1 - sqrt):
///         Hu et al. 2024, arXiv:2404.06395, §4; Hägele et al. 2024, arXiv:2405.18392, eq. 2.
double schedule_factor(const ScheduleConfig& config, int64_t step, int64_t steps);

}  // namespace maru
