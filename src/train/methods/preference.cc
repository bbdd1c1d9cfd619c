// Pairs of answers, of which one is to become likelier than the other.
#include "train/objectives/preference.h"

#include "models/model_files.h"
#include "models/weights.h"
#include "train/methods/methods.h"
#include "train/pair_loader.h"
#include "train/validate_pairs.h"

namespace maru::train {
namespace {

Figures figures_of(const PreferenceFigures& f) { return {{"accuracy", f.accuracy()}, {"margin", f.mean_margin()}}; }

class PreferenceMethod final : public Method {
 public:
  explicit PreferenceMethod(const MethodInputs& inputs)
      : in_(inputs), reference_(make_reference()), objective_(make_objective()) {}

  Objective& objective() override { return objective_; }

  std::unique_ptr<BatchSource> source(const LoaderState& state) override {
    return std::make_unique<PairLoader>(in_.train, in_.config.sequence_length, static_cast<uint64_t>(in_.config.seed),
                                        state);
  }

  Figures take_figures() override {
    const PreferenceFigures figures = objective_.take_figures();
    return figures.pairs > 0 ? figures_of(figures) : Figures();
  }

  Figures validate(StepMemory memory) override {
    const PreferenceFigures figures = validate_pairs(memory, objective_, in_.held_out, in_.config.sequence_length,
                                                     in_.config.micro_batch_tokens, in_.config.validation.tokens);
    if (figures.pairs == 0) return {};
    Figures all = figures_of(figures);
    all["loss"] = figures.mean_loss();
    return all;
  }

  double more_forwards() const override { return 1; }

 private:
  std::unique_ptr<Decoder> make_reference() const {
    if (in_.adapter != nullptr) return nullptr;  // the model without it
    auto reference = load_model(in_.config.init_from, parse_dtype(in_.config.dtype));
    place(in_.device, *reference);
    return reference;
  }

  Preference make_objective() const {
    if (in_.adapter != nullptr) return {in_.model, *in_.adapter, *in_.config.preference};
    return {in_.model, *reference_, *in_.config.preference};
  }

  const MethodInputs in_;
  std::unique_ptr<Decoder> reference_;
  Preference objective_;
};

}  // namespace

std::unique_ptr<Method> make_preference(const MethodInputs& inputs) {
  return std::make_unique<PreferenceMethod>(inputs);
}

}  // namespace maru::train
