// Tuning and preferences in one: the likelihood of the chosen answer and the ratio of the odds of both, without a
// reference. p_c and p_r are the means of log p over the tokens of the chosen and of the rejected answer.
//
//   loss of a pair = −λ · log σ(log odds_c − log odds_r),  log odds = p − log(1 − eᵖ)
//   beside it: the mean of −log p over all tokens of the chosen conversations, *those of their prompts included*
//
// Source   Hong et al. 2024 (ORPO), arXiv:2403.07691, eq. 4, 6 and 7; the prompt's tokens as in the authors' program
//          and in TRL's ORPOTrainer.
#pragma once
#include "base/fields.h"
#include "train/objectives/dual.h"

namespace maru::train {

/// Names and defaults of TRL's ORPOConfig.
struct OrpoConfig {
  double beta = 0.1;
  static constexpr auto fields() {
    return std::tuple{field("beta", &OrpoConfig::beta, "weight of the odds ratio, lambda in the paper").range(0, 1e6)};
  }
};

/// Of what is never quite certain: p is at most −1e-10, as 1 − eᵖ of an answer that is has no logarithm.
template <class T>
T log_odds(const T& p) {
  const T below = real_part(p) < -1e-10 ? p : p - (real_part(p) + 1e-10);
  return below - log1mexp(below);
}

template <class T>
T orpo_loss(const OrpoConfig& c, const T& chosen, const T& rejected) {
  return -c.beta * log_sigmoid(log_odds(chosen) - log_odds(rejected));
}

}  // namespace maru::train
