// Pairs of answers without a reference: a loss of each pair by itself, and beside it how likely the chosen answers are.
//
//   L = Σ over pairs of l(log π(chosen), log π(rejected)) + w · pairs · Σ −log p(token) / tokens
//
// Pairs and tokens (of chosen sequences) of the last sum's mean are those of the whole step, however it is cut into
// micro-batches. TRL takes the mean of each micro-batch, which is the same for one.
#pragma once
#include "train/objectives/answers.h"

namespace maru::train {

/// Figures: "preference_loss", the mean of l; "nll", the mean of −log p if it has a weight; "accuracy", the part of the
/// pairs whose chosen answer has the larger reward; "margin", the mean of the difference.
class ReferenceFree : public AnswerObjective {
 public:
  void begin_step(std::span<const MicroBatch>) override;
  std::map<std::string, double> take_figures() override;

 protected:
  ReferenceFree(const AnswerModels& models, double nll_weight) : AnswerObjective(models), nll_weight_(nll_weight) {}

  /// l with its slopes in Σ log p of either answer, and what is called their rewards.
  struct Term {
    double loss = 0, chosen = 0, rejected = 0;
    double chosen_reward = 0, rejected_reward = 0;
  };
  virtual Term term_of(const LogProbability& chosen, const LogProbability& rejected) const = 0;

 private:
  struct Count {
    int64_t pairs = 0, tokens = 0;
  };
  Count count(const MicroBatch&) const;
  Weighed weigh(const MicroBatch&, const TokenLosses& own, const TokenLosses& other) override;

  double nll_weight_;
  std::optional<Count> step_;  // none was begun: each micro-batch is one
};

}  // namespace maru::train
