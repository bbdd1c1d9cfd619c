// What the methods of texts share: the loader, validation, figures.
#pragma once
#include <memory>

#include "train/method.h"
#include "train/objective.h"
#include "train/text_loader.h"

namespace maru::train {

class TextMethod : public Method {
 public:
  /// `together`: a sequence is a query and a document; otherwise a text.
  TextMethod(const MethodInputs& inputs, bool together);

  std::unique_ptr<BatchSource> source(const LoaderState& state) override;
  Figures take_figures() override;
  /// In micro-batches of the run's size, which say among how many documents the right one is looked for. An example
  /// that is left alone in one is not measured.
  Figures validate(StepMemory memory) override;
  /// The head is not there.
  int64_t unused_weights() const override { return in_.config.model.vocab_size * in_.config.model.hidden_size; }
  bool reads_chats() const override { return false; }

 protected:
  virtual ScoredObjective& scored() = 0;
  const TextForm form_;

 private:
  Objective& objective() override { return scored(); }
  const TextShape shape_;
};

}  // namespace maru::train
