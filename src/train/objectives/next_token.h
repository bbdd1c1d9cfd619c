// The cross entropy of next tokens: pretraining, and tuning on answers (whose targets alone count).
//
//   loss = Σ weight · −log p(target | tokens before it)
#pragma once
#include "models/adapter.h"
#include "models/decoder.h"
#include "train/objective.h"

namespace maru::train {

class NextToken final : public Objective {
 public:
  /// Trains all of the model.
  explicit NextToken(Decoder& model) : decoder_(model), model_(model) {}
  /// Trains the adapter; the model, which it was made for, stays as it is.
  NextToken(Decoder& model, Adapter& adapter) : decoder_(model), model_(adapter), adapters_(&adapter.everywhere()) {}

  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;

 private:
  Decoder& decoder_;
  Model& model_;
  const AdapterRuns* adapters_ = nullptr;
};

}  // namespace maru::train
