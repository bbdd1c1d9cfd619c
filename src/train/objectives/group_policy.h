// Which answers are to be likelier: those that the model has sampled itself and that were judged better than others to
// the same prompt. Sequences of a micro-batch are prompts with their answers; targets of the prompt are not counted.
//
//   loss = Σ over answers of group_policy_loss.h, of log π(token) = log softmax(logits / temperature)
#pragma once
#include <utility>

#include "models/adapter.h"
#include "models/decoder.h"
#include "train/objective.h"
#include "train/objectives/group_policy_loss.h"

namespace maru::train {

/// What is worth knowing of sampled answers beside their loss; sums over their tokens.
struct GroupPolicyFigures {
  double divergence = 0, ratio_difference = 0;  // ratio_difference: the largest |ratio − 1|
  int64_t tokens = 0, clipped = 0;
};

/// Throws   kUnimplemented for a temperature other than 1 with a model that caps its logits.
class GroupPolicy final : public Objective {
 public:
  /// Trains all of the model. `reference`: another of the weights that it starts from; null where beta is 0.
  GroupPolicy(Decoder& model, Decoder* reference, const GroupPolicyConfig& config)
      : policy_(model), reference_(reference), model_(model), config_(config) {
    check_temperature();
  }
  /// Trains the adapter; the model without it is the reference.
  GroupPolicy(Decoder& model, Adapter& adapter, const GroupPolicyConfig& config)
      : policy_(model), reference_(&model), model_(adapter), adapters_(&adapter.everywhere()), config_(config) {
    check_temperature();
  }

  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  /// Of all tokens seen since they were taken last.
  GroupPolicyFigures take_figures() { return std::exchange(figures_, {}); }
  /// Log-probabilities of the tokens that count, for each answer seen since they were taken last, in order.
  std::vector<std::vector<double>> take_policy() { return std::exchange(policy_seen_, {}); }

 private:
  void check_temperature() const;
  std::vector<double> weigh(const MicroBatch&, const Tensor& policy, const Tensor& reference);

  Decoder& policy_;
  Decoder* reference_;
  Model& model_;
  const AdapterRuns* adapters_ = nullptr;
  GroupPolicyConfig config_;
  GroupPolicyFigures figures_;
  double sum_ = 0;  // of the newest micro-batch
  std::vector<std::vector<double>> policy_seen_;
};

}  // namespace maru::train
