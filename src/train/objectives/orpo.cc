#include "train/objectives/orpo.h"

namespace maru::train {

// Of chosen conversations each token but the first; of rejected ones the answer's. The token behind the last row is
// known where it is the answer's alone.
std::vector<int32_t> Orpo::targets_of(const MicroBatch& micro) const {
  std::vector<int32_t> targets = micro.targets;
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  for (size_t i = 0; i < sequences.size(); i += 2)
    for (int64_t row = sequences[i].first_row; row + 1 < sequences[i].first_row + sequences[i].rows; ++row)
      targets[static_cast<size_t>(row)] = micro.builder.tokens()[static_cast<size_t>(row + 1)];
  return targets;
}

ReferenceFree::Term Orpo::term_of(const LogProbability& chosen, const LogProbability& rejected) const {
  const Dual loss =
      orpo_loss<Dual>(config_, {chosen.mean(), 1 / chosen.length(), 0}, {rejected.mean(), 0, 1 / rejected.length()});
  return {loss.value, loss.first, loss.second, config_.beta * chosen.mean(), config_.beta * rejected.mean()};
}

}  // namespace maru::train
