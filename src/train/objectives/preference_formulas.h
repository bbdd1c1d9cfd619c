// The losses of preference_loss.h for any number type: a and b are the log-ratios log π − log π_ref of the chosen and
// the rejected answer, |c| and |r| their tokens, β, τ, ε the config's beta, discopop_tau and label_smoothing, σ the
// logistic function, h = f(a) − f(b) with the f of the divergence.
//
// A number type T has +, −, · and unary −, is made from a double, and has exp, log_sigmoid and real_part.
#pragma once
#include <cmath>
#include <numbers>
#include <string_view>

#include "base/error.h"
#include "train/objectives/dual.h"
#include "train/objectives/preference_loss.h"

namespace maru::train {

/// One chosen and one rejected answer.
template <class T>
struct PairTerm {
  T a, b;
  double chosen_tokens = 1, rejected_tokens = 1;
};

/// The derivative of the divergence's generator at the ratio eˣ, up to a constant, which h has not: reverse_kl x,
/// forward_kl 1 − e⁻ˣ, js_divergence log 2 + log σ(x), alpha_divergence (e^((α−1)x) − 1)/(α − 1), for α = 1 its limit
/// x.
///
/// Source   Wang et al. 2023 (f-DPO), arXiv:2309.16240, table 1; the exponent is at most 80 as in TRL.
template <class T>
T score(const PreferenceConfig& c, const T& x) {
  if (c.f_divergence_type == "forward_kl") return 1.0 - exp(-x);
  if (c.f_divergence_type == "js_divergence") return std::numbers::ln2 + log_sigmoid(x);
  const double order = c.f_alpha_divergence_coef - 1;
  if (c.f_divergence_type != "alpha_divergence" || std::abs(order) < 1e-6) return x;
  const T exponent = order * x;
  return (1 / order) * (exp(real_part(exponent) > 80 ? T(80.0) : exponent) - 1.0);
}

template <class T>
T score_margin(const PreferenceConfig& c, const PairTerm<T>& p) {
  return score(c, p.a) - score(c, p.b);
}

/// f(a)/|c| − f(b)/|r|
template <class T>
T mean_score_margin(const PreferenceConfig& c, const PairTerm<T>& p) {
  return (1 / p.chosen_tokens) * score(c, p.a) - (1 / p.rejected_tokens) * score(c, p.b);
}

/// −log σ(βh). label_smoothing is not used.
///
/// Source   Rafailov et al. 2023 (DPO), arXiv:2305.18290, eq. 7.
template <class T>
T sigmoid_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return -log_sigmoid(c.beta * score_margin(c, p));
}

/// max(0, 1 − βh)
///
/// Source   Zhao et al. 2023 (SLiC-HF), arXiv:2305.10425, with the reference of Liu et al. 2023 (RSO),
/// arXiv:2309.06657.
template <class T>
T hinge_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const T loss = 1.0 - c.beta * score_margin(c, p);
  return real_part(loss) > 0 ? loss : T(0.0);
}

/// (f(a)/|c| − f(b)/|r| − 1/(2β))²: normalised by length.
///
/// Source   Azar et al. 2023 (IPO), arXiv:2310.12036, eq. 17 with means over tokens in the place of sums.
template <class T>
T ipo_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const T error = mean_score_margin(c, p) - 1 / (2 * c.beta);
  return error * error;
}

/// KL((σ(βh), σ(−βh)) ‖ (1 − ε, ε))
///
/// Source   Ji et al. 2024 (EXO), arXiv:2402.00856, eq. 16.
template <class T>
T exo_pair_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const T won = log_sigmoid(c.beta * score_margin(c, p)), lost = log_sigmoid(-c.beta * score_margin(c, p));
  return exp(won) * (won - std::log1p(-c.label_smoothing)) + exp(lost) * (lost - std::log(c.label_smoothing));
}

/// −log σ(βa) − ½ log σ(−βa) − ½ log σ(−βb)
///
/// Source   Chen et al. 2024 (NCA), arXiv:2402.05369, for two answers with the rewards 1 and 0 made certain.
template <class T>
T nca_pair_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return -log_sigmoid(c.beta * p.a) - 0.5 * log_sigmoid(-c.beta * p.a) - 0.5 * log_sigmoid(-c.beta * p.b);
}

/// [−(1 − ε) log σ(βh) + ε log σ(−βh)] / (1 − 2ε)
///
/// Source   Chowdhury et al. 2024 (robust DPO), arXiv:2403.00409.
template <class T>
T robust_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const double e = c.label_smoothing;
  const T x = c.beta * score_margin(c, p);
  return (1 / (1 - 2 * e)) * (e * log_sigmoid(-x) - (1 - e) * log_sigmoid(x));
}

/// −log σ(βa) − log σ(−βb): no reward shift δ is tracked.
///
/// Source   Jung et al. 2024 (BCO), arXiv:2404.04656.
template <class T>
T bco_pair_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return -log_sigmoid(c.beta * p.a) - log_sigmoid(-c.beta * p.b);
}

/// (a − 1/(2β))² + (b + 1/(2β))²
///
/// Source   Wu et al. 2024 (SPPO), arXiv:2405.00675, eq. 4.7 with a probability of winning of 1 and 0.
template <class T>
T sppo_hard_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const T won = p.a - 0.5 / c.beta, lost = p.b + 0.5 / c.beta;
  return won * won + lost * lost;
}

/// −(1 − ε) log σ(βδ) − ε log σ(−βδ): δ is a difference of order statistics, that of the k-th largest margins (aot) or
/// of the k-th largest log-ratios (aot_unpaired).
///
/// Source   Melnyk et al. 2024 (AOT), arXiv:2406.05882.
template <class T>
T aot_loss(const PreferenceConfig& c, const T& delta) {
  const T x = c.beta * delta;
  return -(1 - c.label_smoothing) * log_sigmoid(x) - c.label_smoothing * log_sigmoid(-x);
}

/// 1 − σ(βa) + σ(βb)
///
/// Source   D'Oosterlinck et al. 2024 (APO), arXiv:2408.06266, eq. 7.
template <class T>
T apo_zero_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return 1.0 - sigmoid(c.beta * p.a) + sigmoid(c.beta * p.b);
}

/// σ(βa) + 1 − σ(β(a − b))
///
/// Source   D'Oosterlinck et al. 2024 (APO), arXiv:2408.06266, eq. 8.
template <class T>
T apo_down_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return sigmoid(c.beta * p.a) + 1.0 - sigmoid(c.beta * (p.a - p.b));
}

/// −(1 − m) log σ(βh) + m e^(−βh) with m = σ(βh/τ)
///
/// Source   Lu et al. 2024 (DiscoPOP), arXiv:2406.08414, eq. 5.
template <class T>
T discopop_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  const T x = c.beta * score_margin(c, p), m = sigmoid((1 / c.discopop_tau) * x);
  return m * exp(-x) - (1.0 - m) * log_sigmoid(x);
}

/// −log σ(β(f(a)/|c| − f(b)/|r|))
///
/// Source   Lambert et al. 2024 (Tülu 3), arXiv:2411.15124, length-normalised DPO.
template <class T>
T sigmoid_norm_loss(const PreferenceConfig& c, const PairTerm<T>& p) {
  return -log_sigmoid(c.beta * mean_score_margin(c, p));
}

/// The loss of one pair by itself; CHECKs that `type` is one of those.
template <class T>
T pair_loss(const PreferenceConfig& c, std::string_view type, const PairTerm<T>& p) {
  struct Entry {
    std::string_view name;
    T (*formula)(const PreferenceConfig&, const PairTerm<T>&);
  };
  static constexpr Entry kFormulas[] = {
      {"sigmoid", sigmoid_loss<T>},   {"hinge", hinge_loss<T>},         {"ipo", ipo_loss<T>},
      {"exo_pair", exo_pair_loss<T>}, {"nca_pair", nca_pair_loss<T>},   {"robust", robust_loss<T>},
      {"bco_pair", bco_pair_loss<T>}, {"sppo_hard", sppo_hard_loss<T>}, {"apo_zero", apo_zero_loss<T>},
      {"apo_down", apo_down_loss<T>}, {"discopop", discopop_loss<T>},   {"sigmoid_norm", sigmoid_norm_loss<T>},
  };
  for (const Entry& entry : kFormulas)
    if (entry.name == type) return entry.formula(c, p);
  CHECK(false);
  return T(0.0);
}

}  // namespace maru::train
