// The losses of group_policy_loss.h for any number type, of one token of an answer with the advantage A: w is the log
// of the importance ratio ρ = eʷ (its own log π − log π_old, or the answer's mean of these), ε and ε⁺ the config's
// epsilon and epsilon_high.
//
// A number type T has +, −, · and unary −, is made from a double, and has exp, log_sigmoid and real_part.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "train/objectives/group_policy_loss.h"

namespace maru::train {

template <class T>
struct PolicyTerm {
  T policy;      // log π
  T log_weight;  // w
  double advantage = 0;
  double gamma = 1;  // vespo's weight of the answer, gamma_weight()
};

/// x, or `high` where it is more.
template <class T>
T capped(const T& x, double high) {
  return real_part(x) > high ? T(high) : x;
}

template <class T>
T clipped(const GroupPolicyConfig& c, const T& ratio) {
  return real_part(ratio) < 1 - c.epsilon ? T(1 - c.epsilon) : capped(ratio, 1 + c.upper());
}

/// −min(ρA, clip(ρ, 1 − ε, 1 + ε⁺) A), the first ρ at most delta. Of grpo, bnpo, dr_grpo, dapo, luspo, which differ in
/// what they are divided by.
///
/// Source   Shao et al. 2024 (DeepSeekMath), arXiv:2402.03300, eq. 3; Yu et al. 2025 (DAPO), arXiv:2503.14476, eq. 8;
/// delta: Prime Intellect 2025 (INTELLECT-2), arXiv:2505.07291, eq. 2.
template <class T>
T clipped_loss(const GroupPolicyConfig& c, const PolicyTerm<T>& p) {
  const T ratio = exp(p.log_weight);
  const T free = p.advantage * capped(ratio, c.delta.value_or(std::numeric_limits<double>::infinity()));
  const T held = p.advantage * clipped(c, ratio);
  return real_part(free) <= real_part(held) ? -free : -held;
}

/// −min(ρ, ε⁺) A log π, the ratio as a constant.
///
/// Source   MiniMax 2025 (CISPO), arXiv:2506.13585, eq. 4.
template <class T>
T cispo_loss(const GroupPolicyConfig& c, const PolicyTerm<T>& p) {
  const double ratio = std::min(std::exp(real_part(p.log_weight)), c.upper());
  return (-ratio * p.advantage) * p.policy;
}

/// −4/τ σ(τ(ρ − 1)) A, with a τ for advantages above 0 and one for the others.
///
/// Source   Gao et al. 2025 (SAPO), arXiv:2511.20347.
template <class T>
T sapo_loss(const GroupPolicyConfig& c, const PolicyTerm<T>& p) {
  const double tau = p.advantage > 0 ? c.sapo_temperature_pos : c.sapo_temperature_neg;
  const T ratio = capped(exp(p.log_weight), 1e30);  // σ is 1 there, and its slope no product of 0 and infinity
  return (-4 / tau * p.advantage) * exp(log_sigmoid(tau * (ratio - 1.0)));
}

/// −φ A log π, with φ of the whole answer as a constant.
///
/// Source   VESPO, arXiv:2602.10693, as TRL has it.
template <class T>
T vespo_loss(const GroupPolicyConfig&, const PolicyTerm<T>& p) {
  return (-p.gamma * p.advantage) * p.policy;
}

/// φ = e^λ r^k e^(−λr) of an answer's ratio r, whose log is the sum of its tokens'.
inline double gamma_weight(const GroupPolicyConfig& c, double advantage, double sum_of_log_ratios) {
  const double log_ratio = std::clamp(sum_of_log_ratios, std::log(1e-8), 20.0);
  const double k = advantage >= 0 ? c.vespo_k_pos : c.vespo_k_neg;
  const double lambda = std::max(1e-4, advantage >= 0 ? c.vespo_lambda_pos : c.vespo_lambda_neg);
  return std::exp(lambda + k * log_ratio - lambda * std::exp(log_ratio));
}

/// e^d − d − 1 of d = log π_ref − log π, by the ratio with use_bias_correction_kl.
///
/// Source   Schulman 2020, "Approximating KL divergence", k3; by the ratio: DeepSeek-AI 2025 (V3.2), arXiv:2512.02556.
template <class T>
T divergence(const GroupPolicyConfig& c, const PolicyTerm<T>& p, double reference) {
  const T d = reference - p.policy;
  const T k3 = exp(d) - d - 1.0;
  return c.use_bias_correction_kl ? exp(p.log_weight) * k3 : k3;
}

/// Without the divergence; CHECKs that the loss_type is one of those.
template <class T>
T token_loss(const GroupPolicyConfig& c, const PolicyTerm<T>& p) {
  struct Entry {
    std::string_view name;
    T (*formula)(const GroupPolicyConfig&, const PolicyTerm<T>&);
  };
  static constexpr Entry kFormulas[] = {
      {"grpo", clipped_loss<T>}, {"bnpo", clipped_loss<T>},  {"dr_grpo", clipped_loss<T>}, {"dapo", clipped_loss<T>},
      {"cispo", cispo_loss<T>},  {"luspo", clipped_loss<T>}, {"sapo", sapo_loss<T>},       {"vespo", vespo_loss<T>},
  };
  for (const Entry& entry : kFormulas)
    if (entry.name == c.loss_type) return entry.formula(c, p);
  CHECK(false);
  return T(0.0);
}

}  // namespace maru::train
