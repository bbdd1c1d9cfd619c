#include "train/objectives/preference.h"

#include <algorithm>
#include <cmath>

namespace maru::train {
namespace {

/// f(pair, chosen, row, weight) for each token of all answers. `beyond`: the weight of those behind the length of the
/// shorter answer; the others' is 1 (Liu et al. 2024 (LD-DPO), arXiv:2409.06411).
template <class F>
void for_answer_tokens(const MicroBatch& micro, double beyond, const F& f) {
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  const auto answer_tokens = [&](const Batch::Sequence& sequence) {
    int64_t tokens = 0;
    for_targets(micro.targets, sequence, [&](size_t) { ++tokens; });
    return tokens;
  };
  for (size_t i = 0; i + 1 < sequences.size(); i += 2) {
    const int64_t shared = std::min(answer_tokens(sequences[i]), answer_tokens(sequences[i + 1]));
    for (const size_t side : {size_t{0}, size_t{1}}) {
      int64_t seen = 0;
      for_targets(micro.targets, sequences[i + side],
                  [&](size_t row) { f(i / 2, side == 0, row, seen++ < shared ? 1.0 : beyond); });
    }
  }
}

std::vector<PreferencePair> pairs_of(const MicroBatch& micro, double beyond, const TokenLosses& losses) {
  std::vector<PreferencePair> pairs(micro.builder.sequences().size() / 2);
  for_answer_tokens(micro, beyond, [&](size_t pair, bool chosen, size_t row, double weight) {
    AnswerLikelihood& answer = chosen ? pairs[pair].chosen : pairs[pair].rejected;
    answer.policy -= weight * losses.policy[row];
    answer.reference -= weight * losses.reference[row];
    ++answer.tokens;
    if (chosen) pairs[pair].chosen_nll += losses.policy[row];
  });
  return pairs;
}

// Each pair weighs exp(mean over the tokens of each answer of log p − log Σ p²), a constant to the gradient: Zhou et
// al. 2024 (WPO), arXiv:2406.11827, eq. 2, aligned as in TRL. A loss is ℓ = log Σ eˣ − x of the target, and ℓ' that of
// logits 2x, so log Σ p² = ℓ' − 2ℓ and what is averaged is ℓ − ℓ'.
void weight_pairs(const MicroBatch& micro, const TokenLosses& losses, std::vector<PreferencePair>& pairs) {
  std::vector<double> exponents(pairs.size());
  for_answer_tokens(micro, 1, [&](size_t pair, bool chosen, size_t row, double) {
    const AnswerLikelihood& answer = chosen ? pairs[pair].chosen : pairs[pair].rejected;
    exponents[pair] += (losses.policy[row] - losses.sharp[row]) / static_cast<double>(answer.tokens);
  });
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].weight = std::exp(exponents[i]);
}

}  // namespace

Preference::Preference(const AnswerModels& models, const PreferenceConfig& config)
    : AnswerObjective(models), config_(config) {
  CHECK(models.reference != nullptr || models.known_reference);
  wants_sharp_ = config.use_weighting;
  if (config.use_weighting && models.policy.config().final_logit_softcapping != 0)
    throw Failure(ErrorCode::kUnimplemented,
                  "recipe: preference.use_weighting: the model caps its logits, which this is not made for");
}

AnswerObjective::Weighed Preference::weigh(const MicroBatch& micro, const TokenLosses& own, const TokenLosses&) {
  const double beyond = config_.ld_alpha.value_or(1);
  std::vector<PreferencePair> pairs = pairs_of(micro, beyond, own);
  if (wants_sharp_) weight_pairs(micro, own, pairs);
  const PreferenceLoss loss = preference_loss(config_, pairs);
  figures_.add("loss", loss.sum, static_cast<int64_t>(pairs.size()));
  for (const PreferencePair& pair : pairs) {
    const double margin = config_.beta * (pair.chosen.log_ratio() - pair.rejected.log_ratio());
    figures_.add("margin", margin);
    figures_.add("accuracy", margin > 0 ? 1 : 0);
  }
  std::vector<double> weights(micro.targets.size());
  for_answer_tokens(micro, beyond, [&](size_t pair, bool chosen, size_t row, double weight) {
    const PreferenceLoss::Slopes& slopes = loss.pairs[pair];
    weights[row] = chosen ? loss.chosen_nll - weight * slopes.chosen : -weight * slopes.rejected;
  });
  return {loss.sum, std::move(weights)};
}

}  // namespace maru::train
