// Contrastive preference optimisation and SimPO: the likelihoods of two answers against each other, without a
// reference, and beside them the mean of −log p over the chosen answers' tokens with the weight cpo_alpha. x is the
// difference of r(s) between the chosen and the rejected answer, s = Σ log p of its tokens (sigmoid, hinge) or their
// mean (ipo, simpo), r(s) = s or, with alpha, (1 − e^(−alpha·s)) / alpha:
//
//   sigmoid  −(1 − ε) log σ(βx) − ε log σ(−βx)
//   hinge    max(0, 1 − βx)
//   ipo      (x − 1/(2β))²
//   simpo    as sigmoid, of βx − γ in the place of βx
//
// SimPO as it was published has cpo_alpha 0 (TRL's default, 1, makes another loss of it) and a β of 2 to 10.
//
// Source   Xu et al. 2024 (CPO), arXiv:2401.08417, eq. 3 and 5; Zhao et al. 2023 (SLiC), arXiv:2305.10425; Azar et al.
//          2023 (IPO), arXiv:2310.12036, eq. 17; Meng et al. 2024 (SimPO), arXiv:2405.14734, eq. 6; Gupta et al. 2025
//          (AlphaPO), arXiv:2501.03884.
#pragma once
#include <string>

#include "base/fields.h"
#include "train/objectives/dual.h"

namespace maru::train {

/// Names and defaults of TRL's CPOConfig.
struct CpoConfig {
  std::string loss_type = "sigmoid";
  double beta = 0.1, label_smoothing = 0, cpo_alpha = 1, simpo_gamma = 0.5, alpha = 0;
  bool of_means() const { return loss_type == "ipo" || loss_type == "simpo"; }
  static constexpr auto fields() {
    using C = CpoConfig;
    return std::tuple{
        field("loss_type", &C::loss_type, "what is made smaller").one_of("sigmoid|hinge|ipo|simpo"),
        field("beta", &C::beta, "of the likelihoods' difference; tau of ipo; 2 to 10 in the SimPO paper")
            .range(1e-9, 1e6),
        field("label_smoothing", &C::label_smoothing,
              "part of the pairs that are the wrong way round: of sigmoid, simpo")
            .range(0, 0.5),
        field("cpo_alpha", &C::cpo_alpha,
              "weight of the chosen answers' likelihood; for SimPO as published set it to 0")
            .range(0, 1e6),
        field("simpo_gamma", &C::simpo_gamma, "margin that simpo asks for").range(-1e6, 1e6),
        field("alpha", &C::alpha, "rewards become (1 - p^-alpha) / alpha (AlphaPO); 0: log p").range(-10, 10)};
  }
};

/// Throws   kInvalidArgument naming the field, for values that make no sense together.
void check(const CpoConfig& config);

/// Of Σ log p or the mean of log p, as the loss type has it.
template <class T>
T cpo_reward(const CpoConfig& c, const T& s) {
  return c.alpha == 0 ? s : (1 / c.alpha) * (1.0 - exp(-c.alpha * s));
}

template <class T>
T cpo_loss(const CpoConfig& c, const T& chosen, const T& rejected) {
  const T x = cpo_reward(c, chosen) - cpo_reward(c, rejected);
  if (c.loss_type == "hinge") {
    const T loss = 1.0 - c.beta * x;
    return real_part(loss) > 0 ? loss : T(0.0);
  }
  if (c.loss_type == "ipo") {
    const T error = x - 1 / (2 * c.beta);
    return error * error;
  }
  const T y = c.beta * x - (c.loss_type == "simpo" ? c.simpo_gamma : 0);
  return -(1 - c.label_smoothing) * log_sigmoid(y) - c.label_smoothing * log_sigmoid(-y);
}

}  // namespace maru::train
