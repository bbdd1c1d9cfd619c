// Answers found good or bad one by one (kto_loss.h), for a decoder or an adapter.
#pragma once
#include "train/objectives/answers.h"
#include "train/objectives/kto_loss.h"

namespace maru::train {

/// Sequences of a micro-batch are answers to prompts, at least two of them; its `values` say of each 1, it was found
/// good, or 0. Figures: "kl", the mean of z; "accuracy", the part of the answers with a > z where it is good and a < z
/// where it is bad; "reward_desirable", "reward_undesirable", the means of beta · a.
class Kto final : public AnswerObjective {
 public:
  /// `sequence_length`: a prompt with the answer to another is cut to it.
  Kto(const AnswerModels& models, const KtoConfig& config, int64_t sequence_length);

 private:
  std::optional<MicroBatch> beside(const MicroBatch&) const override;
  /// Throws   kInvalidArgument for a single answer.
  Weighed weigh(const MicroBatch&, const TokenLosses& own, const TokenLosses& other) override;
  KtoConfig config_;
  int64_t sequence_length_;
};

/// Each prompt with the answer of the sequence before it, the first one's with the last one's, cut to so many tokens.
MicroBatch mismatched(const MicroBatch& micro, int64_t sequence_length);

}  // namespace maru::train
