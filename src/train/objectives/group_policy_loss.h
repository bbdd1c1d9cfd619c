// What answers cost that a model has sampled and that were judged against each other: group relative policy
// optimisation and its kin. Pure mathematics of the host; names, defaults and formulas (group_policy_formulas.h) are
// those of TRL's GRPOConfig.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "train/reward_config.h"

namespace maru::train {

struct GroupPolicyConfig {
  std::string loss_type = "dapo", importance_sampling_level = "token";
  double epsilon = 0.2;
  std::optional<double> epsilon_high, delta;
  double beta = 0;
  bool use_bias_correction_kl = true;
  double sapo_temperature_neg = 1.05, sapo_temperature_pos = 1;
  double vespo_k_pos = 2, vespo_lambda_pos = 3, vespo_k_neg = 3, vespo_lambda_neg = 2;
  std::string scale_rewards = "group", multi_objective_aggregation = "sum_then_normalize";
  int64_t num_generations = 8, num_iterations = 1, prompts_per_step = 8, max_completion_length = 512;
  double temperature = 1;
  bool mask_truncated_completions = false;
  std::vector<RewardConfig> rewards;
  int64_t num_samples = 8;
  double upper() const { return epsilon_high.value_or(epsilon); }
  static constexpr auto fields() {
    using C = GroupPolicyConfig;
    return std::tuple{
        field("loss_type", &C::loss_type, "what is made smaller, and what it is divided by")
            .one_of("grpo|bnpo|dr_grpo|dapo|cispo|luspo|sapo|vespo"),
        field("importance_sampling_level", &C::importance_sampling_level,
              "ratios of each token, or of whole answers by their mean (GSPO)")
            .one_of("token|sequence"),
        field("epsilon", &C::epsilon, "ratios are clipped at 1 - epsilon").range(0, 1e6),
        field("epsilon_high", &C::epsilon_high, "and at 1 + this, those of cispo at this; null: epsilon").range(0, 1e6),
        field("delta", &C::delta, "ratios beyond it are cut on the other side too; null: not").range(0, 1e6),
        field("beta", &C::beta, "of the divergence from the reference; 0: there is none").range(0, 1e6),
        field("use_bias_correction_kl", &C::use_bias_correction_kl, "the divergence counts by the ratio"),
        field("sapo_temperature_neg", &C::sapo_temperature_neg, "of sapo, for advantages up to 0").range(1e-9, 1e6),
        field("sapo_temperature_pos", &C::sapo_temperature_pos, "of sapo, above 0").range(1e-9, 1e6),
        field("vespo_k_pos", &C::vespo_k_pos, "of vespo, from 0 on: the power").range(0, 1e3),
        field("vespo_lambda_pos", &C::vespo_lambda_pos, "and the decay").range(0, 1e3),
        field("vespo_k_neg", &C::vespo_k_neg, "of vespo, below 0: the power").range(0, 1e3),
        field("vespo_lambda_neg", &C::vespo_lambda_neg, "and the decay").range(0, 1e3),
        field("scale_rewards", &C::scale_rewards, "what advantages are divided by: the deviation of group or step")
            .one_of("group|batch|none"),
        field("multi_objective_aggregation", &C::multi_objective_aggregation, "of several rewards")
            .one_of("sum_then_normalize|normalize_then_sum"),
        field("num_generations", &C::num_generations, "answers to a prompt, which are judged against each other")
            .range(2, 4096),
        field("num_iterations", &C::num_iterations, "steps with the same answers").range(1, 1000),
        field("prompts_per_step", &C::prompts_per_step, "prompts of a step, each with num_generations answers")
            .range(1, 1 << 20),
        field("max_completion_length", &C::max_completion_length, "tokens of an answer, at most").range(1, 1 << 20),
        field("temperature", &C::temperature, "of sampling, and of the likelihoods that are learnt").range(1e-3, 1e3),
        field("mask_truncated_completions", &C::mask_truncated_completions,
              "nothing is learnt from answers that did not come to their end"),
        field("rewards", &C::rewards, "how answers are judged: kind, weight and the kind's own settings"),
        field("num_samples", &C::num_samples, "answers of each validation that are kept in samples.jsonl")
            .range(0, 1000)};
  }
};

/// Throws   kInvalidArgument naming the field, for values that make no sense together.
void check(const GroupPolicyConfig& config);

/// The tokens of an answer that count: log-probabilities under the model, under the model that sampled it, and under
/// the reference (only where beta is not 0).
struct PolicyAnswer {
  double advantage = 0;
  std::vector<double> policy, old, reference;
};

/// The sum over the answers of a micro-batch, its slopes, and what is worth knowing.
struct GroupPolicyLoss {
  double sum = 0;
  std::vector<std::vector<double>> slopes;      // in log π of each token of each answer
  double divergence = 0, ratio_difference = 0;  // Σ over tokens of KL from the reference; the largest |ratio − 1|
  int64_t tokens = 0, clipped = 0;
};

/// Shapes   answers of one micro-batch: bnpo is a mean over their tokens.
GroupPolicyLoss group_policy_loss(const GroupPolicyConfig& config, std::span<const PolicyAnswer> answers);

/// What the sums of a step's micro-batches are divided by, of one of them: tokens (dapo, cispo, vespo), answers (grpo,
/// sapo, dr_grpo, luspo) or 1 (bnpo).
int64_t counted_of(const GroupPolicyConfig& config, int64_t tokens, int64_t answers);

}  // namespace maru::train
