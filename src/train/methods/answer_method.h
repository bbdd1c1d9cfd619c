// What the methods of answers share: the loader, validation, figures.
#pragma once
#include <memory>

#include "train/answer_loader.h"
#include "train/method.h"
#include "train/objective.h"

namespace maru::train {

/// How a method takes its answers.
struct AnswerKind {
  AnswerForm form;
  int64_t least = 1;    // examples in a micro-batch of validation
  double forwards = 0;  // beside the one that is trained
};

class AnswerMethod : public Method {
 public:
  AnswerMethod(const MethodInputs& inputs, const AnswerKind& kind) : Method(inputs), kind_(kind) {}

  std::unique_ptr<BatchSource> source(const LoaderState& state) override;
  Figures take_figures() override;
  Figures validate(StepMemory memory) override;
  double more_forwards() const override { return kind_.forwards; }

 protected:
  virtual ScoredObjective& scored() = 0;
  /// Losses under a reference that are known beforehand, of the data or of what is held out; null: none are.
  virtual const KnownLosses* known(bool /*held_out*/) const { return nullptr; }
  const AnswerKind& kind() const { return kind_; }

 private:
  Objective& objective() override { return scored(); }
  const AnswerKind kind_;
};

}  // namespace maru::train
