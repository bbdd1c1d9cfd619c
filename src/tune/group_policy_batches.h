// Sampled answers as the micro-batches of a step.
#pragma once
#include <vector>

#include "train/micro_batch.h"
#include "train/objectives/group_policy_loss.h"
#include "tune/rollouts.h"

namespace maru::tune {

/// Appends a prompt with an answer, of which the last token is only to be predicted. `counts`: whether something is
/// learnt from the answer's tokens.
void append_answer(train::MicroBatch& batch, const std::vector<int32_t>& prompt, const Rollout& rollout,
                   double advantage, bool counts);

/// Prompts with their answers, packed in order into micro-batches of at most `tokens` tokens. Counted are the tokens of
/// answers; with mask_truncated_completions none of those that did not end.
///
/// Shapes   rollouts of each prompt; advantages of all answers in order
std::vector<train::MicroBatch> batches_of(const train::GroupPolicyConfig& config,
                                          const std::vector<std::vector<int32_t>>& prompts,
                                          const std::vector<std::vector<Rollout>>& rollouts,
                                          const std::vector<double>& advantages, int64_t tokens);

}  // namespace maru::tune
