// Answers that are better than others, or good or bad: what losses of whole answers learn from.
#include <functional>

#include "models/model_files.h"
#include "models/weights.h"
#include "train/methods/answer_method.h"
#include "train/methods/methods.h"
#include "train/objectives/cpo.h"
#include "train/objectives/kto.h"
#include "train/objectives/orpo.h"
#include "train/objectives/preference.h"

namespace maru::train {
namespace {

using MakeObjective = std::function<std::unique_ptr<AnswerObjective>(const AnswerModels&)>;

class LikelihoodMethod final : public AnswerMethod {
 public:
  /// `with_reference`: the model that the run starts from.
  LikelihoodMethod(const MethodInputs& inputs, const AnswerKind& kind, bool with_reference, const MakeObjective& make)
      : AnswerMethod(inputs, kind),
        reference_(with_reference && inputs.adapter == nullptr ? load_reference() : nullptr),
        objective_(make(models(with_reference))) {}

 private:
  ScoredObjective& scored() override { return *objective_; }

  std::unique_ptr<Decoder> load_reference() const {
    auto reference = load_model(in_.config.init_from, parse_dtype(in_.config.dtype));
    place(in_.device, *reference);
    return reference;
  }

  // Beside an adapter the reference is the model without it.
  AnswerModels models(bool with_reference) const {
    AnswerModels models{*in_.model, in_.adapter};
    if (with_reference) models.reference = reference_ ? reference_.get() : in_.model;
    return models;
  }

  std::unique_ptr<Decoder> reference_;
  std::unique_ptr<AnswerObjective> objective_;
};

}  // namespace

std::unique_ptr<Method> make_preference(const MethodInputs& in) {
  return std::make_unique<LikelihoodMethod>(in, AnswerKind{.forwards = 1}, true, [&](const AnswerModels& m) {
    return std::make_unique<Preference>(m, *in.config.preference);
  });
}

std::unique_ptr<Method> make_kto(const MethodInputs& in) {
  if (!in.train.has_values())
    throw Failure(ErrorCode::kDataLoss, in.config.tokens + ": say of no answer whether it is good or bad");
  const bool z = in.config.kto->loss_type == "kto";  // model and reference see answers with other prompts, too
  const AnswerKind kind{.form = {.answers = 1}, .least = z ? 2 : 1, .forwards = z ? 3.0 : 1.0};
  return std::make_unique<LikelihoodMethod>(in, kind, true, [&](const AnswerModels& m) {
    return std::make_unique<Kto>(m, *in.config.kto, in.config.sequence_length);
  });
}

std::unique_ptr<Method> make_orpo(const MethodInputs& in) {
  return std::make_unique<LikelihoodMethod>(
      in, AnswerKind{}, false, [&](const AnswerModels& m) { return std::make_unique<Orpo>(m, *in.config.orpo); });
}

std::unique_ptr<Method> make_cpo(const MethodInputs& in) {
  return std::make_unique<LikelihoodMethod>(
      in, AnswerKind{}, false, [&](const AnswerModels& m) { return std::make_unique<Cpo>(m, *in.config.cpo); });
}

}  // namespace maru::train
