// Answers that are better than others, or good or bad: what the losses of whole answers learn from.
#include <functional>

#include "models/model_files.h"
#include "models/weights.h"
#include "train/answer_loader.h"
#include "train/methods/methods.h"
#include "train/objectives/cpo.h"
#include "train/objectives/kto.h"
#include "train/objectives/orpo.h"
#include "train/objectives/preference.h"
#include "train/validate_answers.h"

namespace maru::train {
namespace {

using MakeObjective = std::function<std::unique_ptr<AnswerObjective>(const AnswerModels&)>;

/// How a method takes its answers.
struct AnswerKind {
  AnswerForm form;
  bool reference = false;  // the model that the run starts from
  int64_t least = 1;       // examples in a micro-batch of validation
  double forwards = 0;     // beside the one that is trained
};

class AnswerMethod final : public Method {
 public:
  AnswerMethod(const MethodInputs& inputs, const AnswerKind& kind, const MakeObjective& make)
      : in_(inputs), kind_(kind), reference_(make_reference()), objective_(make(models())) {}

  Objective& objective() override { return *objective_; }

  std::unique_ptr<BatchSource> source(const LoaderState& state) override {
    return std::make_unique<AnswerLoader>(in_.train, in_.config.sequence_length, kind_.form,
                                          static_cast<uint64_t>(in_.config.seed), state);
  }

  Figures take_figures() override {
    Figures figures = objective_->take_figures();
    figures.erase("loss");  // the row has the step's
    return figures;
  }

  Figures validate(StepMemory memory) override {
    objective_->take_figures();
    validate_answers(
        memory, [this](Context& ctx, const MicroBatch& batch) { objective_->score(ctx, batch); },
        AnswerSet(in_.held_out, in_.config.sequence_length, kind_.form), in_.config.micro_batch_tokens,
        in_.config.validation.tokens, kind_.least);
    return objective_->take_figures();
  }

  double more_forwards() const override { return kind_.forwards; }

 private:
  std::unique_ptr<Decoder> make_reference() const {
    if (!kind_.reference || in_.adapter != nullptr) return nullptr;  // beside an adapter: the model without it
    auto reference = load_model(in_.config.init_from, parse_dtype(in_.config.dtype));
    place(in_.device, *reference);
    return reference;
  }

  AnswerModels models() const {
    AnswerModels models{in_.model, in_.adapter};
    if (kind_.reference) models.reference = reference_ ? reference_.get() : &in_.model;
    return models;
  }

  const MethodInputs in_;
  const AnswerKind kind_;
  std::unique_ptr<Decoder> reference_;
  std::unique_ptr<AnswerObjective> objective_;
};

}  // namespace

std::unique_ptr<Method> make_preference(const MethodInputs& in) {
  return std::make_unique<AnswerMethod>(in, AnswerKind{.reference = true, .forwards = 1}, [&](const AnswerModels& m) {
    return std::make_unique<Preference>(m, *in.config.preference);
  });
}

std::unique_ptr<Method> make_kto(const MethodInputs& in) {
  if (!in.train.has_values())
    throw Failure(ErrorCode::kDataLoss, in.config.tokens + ": say of no answer whether it is good or bad");
  const bool z = in.config.kto->loss_type == "kto";  // model and reference see answers with other prompts, too
  const AnswerKind kind{.form = {.answers = 1}, .reference = true, .least = z ? 2 : 1, .forwards = z ? 3.0 : 1.0};
  return std::make_unique<AnswerMethod>(in, kind, [&](const AnswerModels& m) {
    return std::make_unique<Kto>(m, *in.config.kto, in.config.sequence_length);
  });
}

std::unique_ptr<Method> make_orpo(const MethodInputs& in) {
  return std::make_unique<AnswerMethod>(
      in, AnswerKind{}, [&](const AnswerModels& m) { return std::make_unique<Orpo>(m, *in.config.orpo); });
}

std::unique_ptr<Method> make_cpo(const MethodInputs& in) {
  return std::make_unique<AnswerMethod>(
      in, AnswerKind{}, [&](const AnswerModels& m) { return std::make_unique<Cpo>(m, *in.config.cpo); });
}

}  // namespace maru::train
