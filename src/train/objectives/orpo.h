// Odds-ratio preference optimisation (orpo_loss.h) of a decoder or an adapter.
#pragma once
#include "train/objectives/orpo_loss.h"
#include "train/objectives/reference_free.h"

namespace maru::train {

/// Figures as ReferenceFree's; the rewards are beta · p.
class Orpo final : public ReferenceFree {
 public:
  Orpo(const AnswerModels& models, const OrpoConfig& config) : ReferenceFree(models, 1), config_(config) {}

 private:
  std::vector<int32_t> targets_of(const MicroBatch&) const override;
  Term term_of(const LogProbability& chosen, const LogProbability& rejected) const override;
  OrpoConfig config_;
};

}  // namespace maru::train
