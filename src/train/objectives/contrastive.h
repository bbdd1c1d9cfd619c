// Vectors of texts that are about the same are to be close (contrastive_loss.h).
#pragma once
#include "models/sentence_encoder.h"
#include "ops/adapter_rows.h"
#include "train/means.h"
#include "train/objective.h"
#include "train/objectives/contrastive_loss.h"

namespace maru::train {

/// A micro-batch holds queries, each before its documents, with roles as values (TextRole), and is the batch whose
/// other documents are negatives; or pairs of texts with their scores as values. Figures: "loss"; "accuracy", the part
/// of the queries whose right document is the closest of the micro-batch's, and "mrr", the mean of 1 / its rank, 0
/// beyond the tenth (MRR@10); of scored pairs "spearman", the rank correlation of cosines and scores over all that was
/// seen.
class Contrastive final : public ScoredObjective {
 public:
  /// `adapter`: what is trained beside the texts' model; null: the model itself.
  Contrastive(SentenceEncoder& texts, Model* adapter, const AdapterRuns* runs, const ContrastiveConfig& config,
              bool scored);

  Model& model() override { return adapter_ != nullptr ? *adapter_ : texts_.model(); }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  void score(Context&, const MicroBatch&) override;
  std::map<std::string, double> take_figures() override;

 private:
  Tensor vectors_of(Context&, const MicroBatch&);
  ContrastiveResult weigh(const MicroBatch&, const Tensor& vectors);
  SentenceEncoder& texts_;
  Model* adapter_;
  const AdapterRuns* runs_;
  ContrastiveConfig config_;
  bool scored_;
  EncoderBatchBuilder builder_;
  Means figures_;
  std::vector<double> cosines_, scores_;  // since figures were taken last
};

}  // namespace maru::train
