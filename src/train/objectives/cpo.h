// Contrastive preference optimisation and SimPO (cpo_loss.h) of a decoder or an adapter.
#pragma once
#include "train/objectives/cpo_loss.h"
#include "train/objectives/reference_free.h"

namespace maru::train {

/// Figures as ReferenceFree's; the rewards are beta · r(s).
class Cpo final : public ReferenceFree {
 public:
  Cpo(const AnswerModels& models, const CpoConfig& config) : ReferenceFree(models, config.cpo_alpha), config_(config) {}

 private:
  Term term_of(const LogProbability& chosen, const LogProbability& rejected) const override;
  CpoConfig config_;
};

}  // namespace maru::train
