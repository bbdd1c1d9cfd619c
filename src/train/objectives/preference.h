// Which of two answers is to be likelier: direct preference optimisation. Sequences of a micro-batch alternate, the
// chosen answer to a prompt, then the rejected one; targets of the prompt are not counted.
//
//   loss = Σ over pairs of preference_loss.h, of log π(answer) = Σ log p(token | tokens before it)
#pragma once
#include "train/objectives/answers.h"
#include "train/objectives/preference_loss.h"

namespace maru::train {

/// Figures: "accuracy", the part of the pairs whose chosen answer has gained more on the reference than the rejected
/// one; "margin", the mean of beta · (difference of log-ratios).
class Preference final : public AnswerObjective {
 public:
  /// Throws   kUnimplemented for use_weighting with a model that caps its logits.
  Preference(const AnswerModels& models, const PreferenceConfig& config);

 private:
  Weighed weigh(const MicroBatch&, const TokenLosses& own, const TokenLosses& other) override;
  PreferenceConfig config_;
};

}  // namespace maru::train
