#include "train/objectives/reference_free.h"

namespace maru::train {

ReferenceFree::Count ReferenceFree::count(const MicroBatch& micro) const {
  const std::vector<int32_t> targets = targets_of(micro);
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  Count all;
  for (size_t i = 0; i + 1 < sequences.size(); i += 2, ++all.pairs)
    for_targets(targets, sequences[i], [&](size_t) { ++all.tokens; });
  return all;
}

void ReferenceFree::begin_step(std::span<const MicroBatch> micro_batches) {
  step_.emplace();
  for (const MicroBatch& micro : micro_batches) {
    const Count more = count(micro);
    step_->pairs += more.pairs, step_->tokens += more.tokens;
  }
}

std::map<std::string, double> ReferenceFree::take_figures() {
  std::map<std::string, double> figures = figures_.take();
  if (figures.empty()) return figures;
  figures["loss"] = figures["preference_loss"] + (nll_weight_ != 0 ? nll_weight_ * figures["nll"] : 0);
  return figures;
}

AnswerObjective::Weighed ReferenceFree::weigh(const MicroBatch& micro, const TokenLosses& own, const TokenLosses&) {
  const std::vector<int32_t> targets = targets_of(micro);
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  const Count here = count(micro), of = step_.value_or(here);
  const double share =
      nll_weight_ * static_cast<double>(of.pairs) / static_cast<double>(std::max<int64_t>(1, of.tokens));
  Weighed result{.weights = std::vector<double>(micro.targets.size())};
  double preference = 0, nll = 0;
  for (size_t i = 0; i + 1 < sequences.size(); i += 2) {
    const Term term = term_of(log_probability(micro.targets, sequences[i], own.policy),
                              log_probability(micro.targets, sequences[i + 1], own.policy));
    preference += term.loss;
    for_targets(micro.targets, sequences[i], [&](size_t row) { result.weights[row] -= term.chosen; });
    for_targets(micro.targets, sequences[i + 1], [&](size_t row) { result.weights[row] -= term.rejected; });
    for_targets(targets, sequences[i], [&](size_t row) { result.weights[row] += share, nll += own.policy[row]; });
    figures_.add("margin", term.chosen_reward - term.rejected_reward);
    figures_.add("accuracy", term.chosen_reward > term.rejected_reward ? 1 : 0);
  }
  figures_.add("preference_loss", preference, here.pairs);
  if (nll_weight_ != 0) figures_.add("nll", nll, here.tokens);
  result.loss = preference + share * nll;
  return result;
}

}  // namespace maru::train
