// The recipe of a training run.
#pragma once
#include <optional>
#include <string>

#include "base/fields.h"
#include "models/config.h"
#include "models/encoder_config.h"
#include "models/lora_config.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/objectives/contrastive_loss.h"
#include "train/objectives/cpo_loss.h"
#include "train/objectives/distillation.h"
#include "train/objectives/group_policy_loss.h"
#include "train/objectives/kto_loss.h"
#include "train/objectives/orpo_loss.h"
#include "train/objectives/preference_loss.h"
#include "train/objectives/ranking_loss.h"
#include "train/objectives/reward_loss.h"

namespace maru::train {

struct ValidationConfig {
  int64_t every_steps = 0;  // 0: about ten times a run
  int64_t tokens = 32768;
  std::optional<bool> keep_best;
  std::optional<int64_t> patience;
  bool keeps_best() const { return keep_best.value_or(patience.value_or(0) > 0); }
  static constexpr auto fields() {
    using C = ValidationConfig;
    return std::tuple{field("every_steps", &C::every_steps, "0: about ten times in the run").range(0, 1e9),
                      field("tokens", &C::tokens, "held-out tokens per validation").range(1, 1e12),
                      field("keep_best", &C::keep_best,
                            "write the model as it was at the best validation, not as it is at the end; null: false, "
                            "with patience true")
                          .unless_empty(),
                      field("patience", &C::patience,
                            "stop when that many validations in a row were no better than the best; 0: never")
                          .range(0, 1e9)
                          .unless_empty()};
  }
};

struct CheckpointConfig {
  int64_t every_steps = 0;
  double every_minutes = 2;
  int64_t keep = 2;
  static constexpr auto fields() {
    using C = CheckpointConfig;
    return std::tuple{field("every_steps", &C::every_steps, "0: by time only").range(0, 1e9),
                      field("every_minutes", &C::every_minutes, "0: by steps only").range(0, 1e6),
                      field("keep", &C::keep, "how many of the newest to keep").range(1, 1000)};
  }
};

struct TrainConfig {
  std::string name = "model";
  std::string tokens;     // directory of token shards
  std::string tokenizer;  // directory
  std::string init_from;  // model directory: continue from it, or fine-tune it; empty: random weights
  std::string method;     // "dpo", "kto", ...; empty: the next token
  // Of the method that they are named after, and of no other; preference: of dpo, group_policy: of grpo.
  std::optional<PreferenceConfig> preference;
  std::optional<KtoConfig> kto;
  std::optional<OrpoConfig> orpo;
  std::optional<CpoConfig> cpo;
  std::optional<RewardModelConfig> reward;
  std::optional<GroupPolicyConfig> group_policy;
  std::optional<DistillConfig> distill;
  std::optional<ContrastiveConfig> embed;
  std::optional<RankConfig> rank;
  DecoderConfig model;
  std::optional<EncoderConfig> encoder;  // in the place of `model`: init_from is one
  std::optional<LoraConfig> lora;        // an adapter of the model in init_from, which stays as it is
  std::string dtype = "bf16";
  int64_t seed = 1;
  int64_t sequence_length = 512, batch_tokens = 16384, micro_batch_tokens = 8192;
  int64_t steps = 0;
  double minutes = 0, epochs = 0;
  bool recompute = false;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  ValidationConfig validation;
  CheckpointConfig checkpoint;

  static constexpr auto fields() {
    using C = TrainConfig;
    return std::tuple{
        field("name", &C::name, "of the run and of the model it makes"),
        field("tokens", &C::tokens, "directory of packed token shards (maru data pack)"),
        field("tokenizer", &C::tokenizer, "tokenizer directory"),
        field("init_from", &C::init_from, "model directory to continue from or fine-tune; empty: random weights"),
        field(
            "method", &C::method,
            "what is learnt: next_token of documents or answers; dpo, orpo or cpo from pairs of answers; kto from "
            "answers with labels; reward: a model that scores answers, from pairs; grpo from rewards of answers of "
            "its own; distill: what another model says of each next token; embed: vectors of texts, from queries with "
            "documents or from two texts with a score; rank: scores of documents to a query")
            .one_of("next_token|dpo|kto|orpo|cpo|reward|grpo|distill|embed|rank")
            .unless_empty(),
        field("preference", &C::preference,
              "of dpo: preference.loss_type, preference.beta and what else TRL's DPOConfig calls so")
            .unless_empty(),
        field("kto", &C::kto, "of kto, as in TRL's KTOConfig: kto.beta, kto.desirable_weight").unless_empty(),
        field("orpo", &C::orpo, "of orpo, as in TRL's ORPOConfig: orpo.beta").unless_empty(),
        field("cpo", &C::cpo, "of cpo, as in TRL's CPOConfig: cpo.loss_type (simpo is one), cpo.cpo_alpha")
            .unless_empty(),
        field("reward", &C::reward, "of reward, as in TRL's RewardConfig: reward.center_rewards_coefficient")
            .unless_empty(),
        field("group_policy", &C::group_policy,
              "of grpo: group_policy.rewards, group_policy.loss_type and what else TRL's GRPOConfig calls so")
            .unless_empty(),
        field("distill", &C::distill,
              "of distill: distill.teacher, distill.beta, distill.temperature, distill.next_token")
            .unless_empty(),
        field("embed", &C::embed, "of embed: embed.pooling, embed.temperature, embed.symmetric").unless_empty(),
        field("rank", &C::rank, "of rank: rank.loss_type").unless_empty(),
        field("model", &C::model, ""),
        field("encoder", &C::encoder, "in the place of model, as an encoder in init_from says").unless_empty(),
        field("lora", &C::lora,
              "train an adapter of init_from in place of all weights: lora.rank, lora.alpha, lora.use_rslora, "
              "lora.target_modules")
            .unless_empty(),
        field("dtype", &C::dtype, "of weights and activations; masters and sums are f32").one_of("bf16|f32"),
        field("seed", &C::seed, "of initial weights and data order").range(0, 9e15),
        field("sequence_length", &C::sequence_length, "longest piece of a document seen at once").range(2, 1 << 24),
        field("batch_tokens", &C::batch_tokens, "tokens per optimiser step").range(2, 1e10),
        field("micro_batch_tokens", &C::micro_batch_tokens, "tokens per forward and backward").range(2, 1 << 24),
        field("steps", &C::steps, "optimiser steps; 0: from minutes or epochs").range(0, 1e12),
        field("minutes", &C::minutes, "time budget, turned into steps by a measurement at the start").range(0, 1e7),
        field("epochs", &C::epochs, "passes over the data; the last step is filled up from the next pass")
            .range(0, 1e6),
        field("recompute", &C::recompute, "keep only block inputs; less memory, about a third more work"),
        field("optimizer", &C::optimizer, ""),
        field("schedule", &C::schedule, ""),
        field("validation", &C::validation, ""),
        field("checkpoint", &C::checkpoint, "")};
  }
};

/// Whether what is made is an adapter, and not a model.
bool makes_adapter(const TrainConfig& config);

/// Checks what fits together and fills in what follows from other fields. Throws kInvalidArgument.
TrainConfig resolve(TrainConfig config, int64_t vocab_size);

}  // namespace maru::train
