// Scores of documents to a query (ranking_loss.h), by a decoder with a score in the place of its head, or an encoder
// with a classifier.
#pragma once
#include "models/text_model.h"
#include "train/means.h"
#include "train/objective.h"
#include "train/objectives/ranking_loss.h"
#include "train/objectives/scored_adapter.h"

namespace maru::train {

/// Sequences of a micro-batch are a query with a document each, the right one (TextRole::kPositive) before its wrong
/// ones. Figures: "loss"; "accuracy", the part of the queries whose right document has the highest score of its own
/// documents, and "mrr", the mean of 1 / its rank, 0 beyond the tenth.
class Ranking final : public ScoredObjective {
 public:
  /// `adapter`: what is trained beside what makes the score, and the rest stays as it is; null: all of it is trained.
  Ranking(TextModel& texts, Adapter* adapter, const RankConfig& config);

  Model& model() override { return scored_ ? static_cast<Model&>(*scored_) : texts_.model(); }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  void score(Context&, const MicroBatch&) override;
  std::map<std::string, double> take_figures() override { return figures_.take(); }

 private:
  Tensor scores_of(Context&, const MicroBatch&);
  double weigh(const MicroBatch&, const std::vector<double>& scores, std::vector<double>& slopes);
  TextModel& texts_;
  std::unique_ptr<ScoredAdapter> scored_;
  const AdapterRuns* adapters_;
  RankConfig config_;
  EncoderBatchBuilder builder_;
  Means figures_;
};

}  // namespace maru::train
