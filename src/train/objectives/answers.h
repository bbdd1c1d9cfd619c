// What losses of whole answers share. Each is a function of the losses of its micro-batch's tokens under the model, and
// under a reference if it wants one:
//
//   L(ℓ₁, ℓ₂, …),  ∂L = Σ ∂L/∂ℓ · ∂ℓ,  ℓ = −log p(token | tokens before it)
//
// The slopes ∂L/∂ℓ are found on the host in double. Weighted with them, the decoder's own loss has L's gradient.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "models/adapter.h"
#include "models/decoder.h"
#include "train/means.h"
#include "train/objective.h"

namespace maru::train {

/// Whose losses are taken.
struct AnswerModels {
  Decoder& policy;
  Adapter* adapter = nullptr;    // trained beside the policy, which stays as it is; null: the policy itself is trained
  Decoder* reference = nullptr;  // null: nobody asks for one. Beside an adapter, the policy without it
  bool known_reference = false;  // micro-batches bring the losses of the reference, and there is none
};

/// Losses of tokens by row; of rows without a target 0. Empty: not asked for.
struct TokenLosses {
  std::vector<double> policy, reference;
  std::vector<double> sharp;  // of the policy with logits twice as large
};

/// An answer under a model: Σ log p of the tokens that count, and their number.
struct LogProbability {
  double sum = 0;
  int64_t tokens = 0;
  /// The number, or 1 where there is none.
  double length() const { return static_cast<double>(tokens > 0 ? tokens : 1); }
  double mean() const { return sum / length(); }
};

/// f(row) for each row of a sequence that has a target.
template <class F>
void for_targets(std::span<const int32_t> targets, const Batch::Sequence& sequence, const F& f) {
  for (int64_t row = sequence.first_row; row < sequence.first_row + sequence.rows; ++row)
    if (targets[static_cast<size_t>(row)] >= 0) f(static_cast<size_t>(row));
}

LogProbability log_probability(std::span<const int32_t> targets, const Batch::Sequence&,
                               std::span<const double> losses);

class AnswerObjective : public ScoredObjective {
 public:
  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  void score(Context&, const MicroBatch&) override;
  std::map<std::string, double> take_figures() override { return figures_.take(); }

 protected:
  explicit AnswerObjective(const AnswerModels& models);

  /// What is asked of every row; by default what the micro-batch says.
  virtual std::vector<int32_t> targets_of(const MicroBatch& micro) const { return micro.targets; }
  /// Other sequences, no larger together, whose losses the loss knows and has no slopes in.
  virtual std::optional<MicroBatch> beside(const MicroBatch&) const { return std::nullopt; }

  /// A loss of a micro-batch, and its slope in the loss of each row.
  struct Weighed {
    double loss = 0;
    std::vector<double> weights;
  };
  /// Adds to the figures. `other`: of what stands beside the micro-batch.
  virtual Weighed weigh(const MicroBatch&, const TokenLosses& own, const TokenLosses& other) = 0;

  Means figures_;
  bool wants_sharp_ = false;

 private:
  struct Rows {
    Tensor policy, reference, sharp;
  };
  TokenLosses numbers_of_rows(const Rows&, const MicroBatch&) const;
  TokenLosses look(const Context&, const MicroBatch&, const std::vector<int32_t>& targets);
  TokenLosses look_beside(const Context&, const MicroBatch&);
  Tensor reference_losses(const Context&, const Batch&, const Tensor& targets);
  Rows losses_of(const Context&, const Tensor& hidden, const Tensor& targets, const Tensor& reference);

  Decoder& policy_;
  Decoder* reference_;
  Model& model_;
  const AdapterRuns* adapters_;
  const bool known_reference_;
};

}  // namespace maru::train
