// What pairs of answers cost: direct preference optimisation and its kin. Pure mathematics of the host; names, defaults
// and formulas (preference_formulas.h) are those of TRL's DPOConfig.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::train {

struct PreferenceConfig {
  std::vector<std::string> loss_type = {"sigmoid"};
  std::vector<double> loss_weights;  // empty: 1 each
  double beta = 0.1, label_smoothing = 0;
  std::string f_divergence_type = "reverse_kl";
  double f_alpha_divergence_coef = 0.5, discopop_tau = 0.05;
  std::optional<double> ld_alpha;
  bool use_weighting = false;
  std::optional<bool> sync_ref_model;
  std::optional<double> ref_model_mixup_alpha;  // of sync_ref_model
  std::optional<int64_t> ref_model_sync_steps;
  std::optional<bool> precompute_ref_log_probs;
  bool syncs() const { return sync_ref_model.value_or(false); }
  bool precomputes() const { return precompute_ref_log_probs.value_or(false); }
  double mixup_alpha() const { return ref_model_mixup_alpha.value_or(0.6); }
  int64_t sync_steps() const { return ref_model_sync_steps.value_or(512); }
  static constexpr auto fields() {
    using C = PreferenceConfig;
    return std::tuple{
        field("loss_type", &C::loss_type, "one or more, their sum is made smaller")
            .one_of("sigmoid|hinge|ipo|exo_pair|nca_pair|robust|bco_pair|sppo_hard|aot|aot_unpaired|apo_zero|apo_down|"
                    "discopop|sft|sigmoid_norm"),
        field("loss_weights", &C::loss_weights, "of each loss_type; empty: 1").range(-1e6, 1e6),
        field("beta", &C::beta, "how dear it is to leave the reference; tau of ipo").range(1e-9, 1e6),
        field("label_smoothing", &C::label_smoothing,
              "part of the pairs that are the wrong way round: of exo_pair, "
              "robust, aot, aot_unpaired")
            .range(0, 1),
        field("f_divergence_type", &C::f_divergence_type, "how far the model is from the reference")
            .one_of("reverse_kl|forward_kl|js_divergence|alpha_divergence"),
        field("f_alpha_divergence_coef", &C::f_alpha_divergence_coef, "alpha of alpha_divergence").range(-10, 10),
        field("discopop_tau", &C::discopop_tau, "temperature of discopop").range(1e-9, 1e6),
        field("ld_alpha", &C::ld_alpha, "weight of an answer's tokens beyond the length of the other; null: 1")
            .range(0, 1),
        field("use_weighting", &C::use_weighting, "pairs weigh by how likely the model finds their answers (WPO)"),
        field("sync_ref_model", &C::sync_ref_model, "the reference follows the model (TR-DPO)").unless_empty(),
        field("ref_model_mixup_alpha", &C::ref_model_mixup_alpha,
              "of sync_ref_model: the model's share in the new reference, the rest is the old one's; empty: 0.6")
            .range(0, 1)
            .unless_empty(),
        field("ref_model_sync_steps", &C::ref_model_sync_steps,
              "of sync_ref_model: steps from one mixing to the next; empty: 512")
            .range(1, 1e12)
            .unless_empty(),
        field("precompute_ref_log_probs", &C::precompute_ref_log_probs,
              "what the reference says is computed before the first step, and no second model is held")
            .unless_empty()};
  }
};

/// Throws   kInvalidArgument naming the field, for values that make no sense together.
void check(const PreferenceConfig& config);

/// An answer under the model and under the reference: sums of the log-probabilities of its tokens.
struct AnswerLikelihood {
  double policy = 0, reference = 0;
  int64_t tokens = 0;
  double log_ratio() const { return policy - reference; }
};

struct PreferencePair {
  AnswerLikelihood chosen, rejected;
  double chosen_nll = 0;  // −log p of the chosen answer, all tokens alike whatever ld_alpha is
  double weight = 1;      // of its loss
};

/// The sum over pairs and its slopes.
struct PreferenceLoss {
  struct Slopes {
    double chosen = 0, rejected = 0;  // in log π of the pair's answers
  };
  double sum = 0;
  std::vector<Slopes> pairs;
  double chosen_nll = 0;  // slope in each pair's chosen_nll
};

/// Shapes   pairs of one micro-batch: aot and aot_unpaired sort them, sft is a mean over their tokens.
PreferenceLoss preference_loss(const PreferenceConfig& config, std::span<const PreferencePair> pairs);

}  // namespace maru::train
