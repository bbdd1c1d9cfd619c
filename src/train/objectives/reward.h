// Scores of answers (reward_loss.h), by a reward model whose weights are trained, or an adapter beside them and the
// score.
#pragma once
#include "models/reward_model.h"
#include "train/means.h"
#include "train/objective.h"
#include "train/objectives/reward_loss.h"
#include "train/objectives/scored_adapter.h"

namespace maru::train {

/// Sequences of a micro-batch alternate, the chosen answer to a prompt, then the rejected one; its `values` are
/// margins, or empty. Figures: "accuracy", the part of the pairs whose chosen answer has the higher score; "margin", by
/// how much, the mean; "reward", the mean of all scores.
class Reward final : public ScoredObjective {
 public:
  /// `adapter`: what is trained beside the score, and the decoder stays as it is; null: all of it is trained.
  Reward(RewardModel& model, Adapter* adapter, const RewardModelConfig& config);

  Model& model() override { return scored_ ? static_cast<Model&>(*scored_) : model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  void score(Context&, const MicroBatch&) override;
  std::map<std::string, double> take_figures() override { return figures_.take(); }

 private:
  double weigh(const MicroBatch&, const std::vector<double>& scores, double scale, std::vector<double>& slopes);
  RewardModel& model_;
  std::unique_ptr<ScoredAdapter> scored_;
  const AdapterRuns* adapters_;
  RewardModelConfig config_;
  Means figures_;
};

}  // namespace maru::train
