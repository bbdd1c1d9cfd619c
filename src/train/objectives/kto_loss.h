// Answers that were found good or bad one by one: Kahneman-Tversky optimisation. a = log π(y|x) − log π_ref(y|x), z how
// far the model has gone from the reference on answers in general:
//
//   kto                good: λ_D · (1 − σ(β(a − z)))    bad: λ_U · (1 − σ(β(z − a)))
//   apo_zero_unpaired  good: λ_D · (1 − σ(βa))          bad: λ_U · σ(βa)
//   z = max(0, mean over the micro-batch of log π(y'|x) − log π_ref(y'|x)), y' the answer before it in the micro-batch
//       (the last one's for the first): the answers are the same, with other prompts. z has no gradient.
//
// Source   Ethayarajh et al. 2024 (KTO), arXiv:2402.01306, eq. 7 and 8; z as in §4.1 and in TRL's KTOTrainer.
//          D'Oosterlinck et al. 2024 (APO), arXiv:2408.06266, eq. 7 for answers without a pair.
#pragma once
#include <string>

#include "base/fields.h"
#include "train/objectives/dual.h"

namespace maru::train {

/// Names and defaults of TRL's KTOConfig.
struct KtoConfig {
  std::string loss_type = "kto";
  double beta = 0.1, desirable_weight = 1, undesirable_weight = 1;
  static constexpr auto fields() {
    using C = KtoConfig;
    return std::tuple{
        field("loss_type", &C::loss_type, "what is made smaller").one_of("kto|apo_zero_unpaired"),
        field("beta", &C::beta, "how dear it is to leave the reference").range(1e-9, 1e6),
        field("desirable_weight", &C::desirable_weight, "of answers with the label true").range(0, 1e6),
        field("undesirable_weight", &C::undesirable_weight, "of answers with the label false").range(0, 1e6)};
  }
};

/// Of one answer with the log-ratio a.
template <class T>
T kto_loss(const KtoConfig& c, bool desirable, const T& a, double z) {
  const T x = c.beta * (a - (c.loss_type == "kto" ? z : 0));
  return desirable ? c.desirable_weight * (1.0 - sigmoid(x)) : c.undesirable_weight * sigmoid(x);
}

}  // namespace maru::train
