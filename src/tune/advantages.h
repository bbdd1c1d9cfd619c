// From rewards to advantages: how much better an answer is than the others to its prompt. Pure mathematics of the host.
#pragma once
#include <string>
#include <vector>

#include "train/objectives/group_policy_loss.h"
#include "tune/rewards/reward.h"

namespace maru::tune {

/// A mean, and the deviation of its numbers (n − 1; 0 of less than two).
struct Spread {
  double mean = 0, deviation = 0;
  int64_t count = 0;
};
/// Of the numbers that are there.
Spread spread_of(const std::vector<Score>& numbers);

/// Of each answer the weighted sum of its rewards; nothing where none is applicable.
///
/// Shapes   scores [reward][answer]
std::vector<Score> total_rewards(const train::GroupPolicyConfig& config, const std::vector<std::vector<Score>>& scores);

/// sum_then_normalize: (R − mean) / (deviation + 10⁻⁴) of the weighted sums R, means of each prompt's answers,
/// deviations of these or of all (scale_rewards; none: not divided). normalize_then_sum (GDPO): each reward is
/// normalised among a prompt's answers, then summed up and normalised among all. Where no reward is applicable the
/// advantage is 0.
///
/// Shapes   scores [reward][answer], num_generations answers to each prompt in a row
/// Source   Shao et al. 2024, arXiv:2402.03300, §4.1.2; Liu et al. 2025 (Dr. GRPO), arXiv:2503.20783; GDPO,
///          arXiv:2601.05242. With TRL's 10⁻⁴.
std::vector<double> advantages_of(const train::GroupPolicyConfig& config,
                                  const std::vector<std::vector<Score>>& scores);

}  // namespace maru::tune
