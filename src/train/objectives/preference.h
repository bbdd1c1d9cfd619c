// Which of two answers is to be likelier: direct preference optimisation. Sequences of a micro-batch alternate, the
// chosen answer to a prompt, then the rejected one; targets of the prompt are not counted.
//
//   loss = Σ over pairs of preference_loss.h, of log π(answer) = Σ log p(token | tokens before it)
#pragma once
#include <optional>
#include <utility>

#include "models/adapter.h"
#include "models/decoder.h"
#include "train/objective.h"
#include "train/objectives/preference_loss.h"

namespace maru::train {

/// What is worth knowing of pairs beside their loss; sums over them.
struct PreferenceFigures {
  double loss = 0, margins = 0;
  int64_t pairs = 0, right = 0;  // right: the chosen answer has gained more on the reference than the rejected one
  double mean_loss() const { return loss / static_cast<double>(pairs); }
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(pairs); }
  double mean_margin() const { return margins / static_cast<double>(pairs); }  // of beta · log-ratios
};

/// Throws   kUnimplemented for use_weighting with a model that caps its logits.
class Preference final : public Objective {
 public:
  /// Trains all of the model. `reference`: another of the weights that it starts from, which stay as they are.
  Preference(Decoder& model, Decoder& reference, const PreferenceConfig& config)
      : policy_(model), reference_(reference), model_(model), config_(config) {
    check_weighting();
  }
  /// Trains the adapter; the model without it is the reference.
  Preference(Decoder& model, Adapter& adapter, const PreferenceConfig& config)
      : policy_(model), reference_(model), model_(adapter), adapters_(&adapter.everywhere()), config_(config) {
    check_weighting();
  }

  Model& model() override { return model_; }
  Tensor loss(Context&, const MicroBatch&, double scale) override;
  /// Adds a micro-batch to the figures, and learns nothing from it.
  void score(Context&, const MicroBatch&);
  /// Of all pairs seen since they were taken last.
  PreferenceFigures take_figures() { return std::exchange(figures_, {}); }

 private:
  /// Losses of tokens.
  struct Losses {
    Tensor policy, reference;
    Tensor sharp;  // of the policy with logits twice as large; empty: not wanted
  };
  void check_weighting() const;
  Losses losses_of(const Context&, const Tensor& hidden, const Tensor& targets, const Tensor& reference);
  std::vector<double> weigh(const MicroBatch&, const Losses&);

  Decoder &policy_, &reference_;
  Model& model_;
  const AdapterRuns* adapters_ = nullptr;
  PreferenceConfig config_;
  PreferenceFigures figures_;
};

}  // namespace maru::train
