// Scores of documents to a query (ranking_loss.h), by a decoder with a score in the place of its head.
#pragma once
#include "models/reward_model.h"
#include "train/means.h"
#include "train/objective.h"
#include "train/objectives/ranking_loss.h"

namespace maru::train {

/// Sequences of a micro-batch are a query with a document each, the right one (TextRole::kPositive) before its wrong
/// ones. Figures: "loss"; "accuracy", the part of the queries whose right document has the highest score of its own
/// documents, and "mrr", the mean of 1 / its rank, 0 beyond the tenth.
class Ranking final : public ScoredObjective {
 public:
  Ranking(RewardModel& model, const RankConfig& config) : model_(model), config_(config) {}

  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  void score(Context&, const MicroBatch&) override;
  std::map<std::string, double> take_figures() override { return figures_.take(); }

 private:
  double weigh(const MicroBatch&, const std::vector<double>& scores, std::vector<double>& slopes);
  RewardModel& model_;
  RankConfig config_;
  Means figures_;
};

}  // namespace maru::train
