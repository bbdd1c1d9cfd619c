// What a reward model learns: which of two answers is the better one, by how far their scores are apart.
//
//   loss of a pair = −log σ(r_c − r_r − m) + w · (r_c + r_r)²
//
// m is the pair's margin (0: none is given); w pulls the scores to a mean of 0, which the first term leaves free.
//
// Source   Ouyang et al. 2022 (InstructGPT), arXiv:2203.02155, eq. 1; Touvron et al. 2023 (Llama 2), arXiv:2307.09288,
//          eq. 2 for the margin; Eisenstein et al. 2023, arXiv:2312.09244, eq. 2 for the second term, as in TRL's
//          RewardTrainer.
#pragma once
#include <optional>

#include "base/fields.h"
#include "train/objectives/dual.h"

namespace maru::train {

/// Names and defaults of TRL's RewardConfig.
struct RewardModelConfig {
  std::optional<double> center_rewards_coefficient;
  static constexpr auto fields() {
    return std::tuple{field("center_rewards_coefficient", &RewardModelConfig::center_rewards_coefficient,
                            "weight of (chosen + rejected score)^2, which pulls scores to a mean of 0; null: 0")
                          .range(0, 1e6)};
  }
};

template <class T>
T reward_loss(const RewardModelConfig& c, const T& chosen, const T& rejected, double margin) {
  const T sum = chosen + rejected;
  return -log_sigmoid(chosen - rejected - margin) + c.center_rewards_coefficient.value_or(0) * (sum * sum);
}

}  // namespace maru::train
