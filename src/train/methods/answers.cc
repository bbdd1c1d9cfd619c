// Answers that are better than others, or good or bad: what losses of whole answers learn from.
#include <fmt/format.h>

#include <functional>

#include "base/hash.h"
#include "train/methods/answer_method.h"
#include "train/methods/methods.h"
#include "train/objectives/cpo.h"
#include "train/objectives/kto.h"
#include "train/objectives/orpo.h"
#include "train/objectives/preference.h"
#include "train/reference.h"

namespace maru::train {
namespace {

using MakeObjective = std::function<std::unique_ptr<AnswerObjective>(const AnswerModels&)>;

/// The reference is the model that the run starts from: a second copy, or beside an adapter the model without it.
class LikelihoodMethod : public AnswerMethod {
 public:
  LikelihoodMethod(const MethodInputs& inputs, const AnswerKind& kind, const AnswerModels& models,
                   std::unique_ptr<Decoder>&& reference, const MakeObjective& make)
      : AnswerMethod(inputs, kind), reference_(std::move(reference)), objective_(make(models)) {}
  HeldMemory held() override { return {.models = reference_ ? bytes_of(*reference_) : 0}; }

 protected:
  std::unique_ptr<Decoder> reference_;

 private:
  ScoredObjective& scored() override { return *objective_; }
  std::unique_ptr<AnswerObjective> objective_;
};

std::unique_ptr<Method> with_reference(const MethodInputs& in, const AnswerKind& kind, const MakeObjective& make) {
  auto reference = in.adapter == nullptr ? load_reference(in) : nullptr;
  const AnswerModels models{*in.model, in.adapter, reference ? reference.get() : in.model};
  return std::make_unique<LikelihoodMethod>(in, kind, models, std::move(reference), make);
}

std::unique_ptr<Method> without_reference(const MethodInputs& in, const MakeObjective& make) {
  return std::make_unique<LikelihoodMethod>(in, AnswerKind{}, AnswerModels{*in.model, in.adapter}, nullptr, make);
}

std::unique_ptr<AnswerObjective> make_preference_objective(const MethodInputs& in, const AnswerModels& models) {
  return std::make_unique<Preference>(models, *in.config.preference);
}

/// A reference that follows the model.
class SyncedMethod final : public LikelihoodMethod {
 public:
  SyncedMethod(const MethodInputs& in, std::unique_ptr<Decoder> reference)
      : LikelihoodMethod(in, {.forwards = 1}, {*in.model, nullptr, reference.get()}, std::move(reference),
                         [&](const AnswerModels& models) { return make_preference_objective(in, models); }) {}

  void end_step(int64_t step, StepMemory memory) override {
    const PreferenceConfig& c = *in_.config.preference;
    if (step % c.sync_steps() == 0) mix_into(memory, in_.device, *reference_, *in_.model, c.mixup_alpha());
  }
  std::vector<NamedTensor> state() override {
    std::vector<NamedTensor> tensors;
    for (const Parameter* p : reference_->parameters()) tensors.push_back({"reference." + p->name, p->value});
    return tensors;
  }
};

/// A reference that has said beforehand what it says.
class PrecomputedMethod final : public LikelihoodMethod {
 public:
  explicit PrecomputedMethod(const MethodInputs& in)
      : LikelihoodMethod(in, {}, {.policy = *in.model, .adapter = in.adapter, .known_reference = true}, nullptr,
                         [&](const AnswerModels& models) { return make_preference_objective(in, models); }) {}

  void prepare(const Preparation& preparation) override {
    const fs::path place = preparation.run / "reference";
    fs::create_directories(place);
    const uint64_t bound =
        hash64(fmt::format("{} {} {}", read_file(preparation.run / "inputs.json"), in_.config.dtype,
                           in_.config.sequence_length));
    train_ = std::make_unique<KnownLosses>(place / "train.losses", bound, preparation.warn);
    held_out_ = std::make_unique<KnownLosses>(place / "held_out.losses", bound, preparation.warn);
    const AnswerSet train(in_.train, in_.config.sequence_length, kind().form),
        held_out(in_.held_out, in_.config.sequence_length, kind().form);
    compute_known_losses(in_, preparation, train, train.tokens() + 1, *train_);
    compute_known_losses(in_, preparation, held_out, in_.config.validation.tokens, *held_out_);
  }

 private:
  const KnownLosses* known(bool held_out) const override { return held_out ? held_out_.get() : train_.get(); }
  std::unique_ptr<KnownLosses> train_, held_out_;
};

}  // namespace

std::unique_ptr<Method> make_preference(const MethodInputs& in) {
  const PreferenceConfig& config = *in.config.preference;
  if (config.syncs()) return std::make_unique<SyncedMethod>(in, load_reference(in, /*moves=*/true));
  if (config.precomputes()) return std::make_unique<PrecomputedMethod>(in);
  return with_reference(in, {.forwards = 1},
                        [&](const AnswerModels& models) { return make_preference_objective(in, models); });
}

std::unique_ptr<Method> make_kto(const MethodInputs& in) {
  if (!in.train.has_values())
    throw Failure(ErrorCode::kDataLoss, in.config.tokens + ": say of no answer whether it is good or bad");
  const bool z = in.config.kto->loss_type == "kto";  // model and reference see answers with other prompts, too
  const AnswerKind kind{.form = {.answers = 1}, .least = z ? 2 : 1, .forwards = z ? 3.0 : 1.0};
  return with_reference(in, kind, [&](const AnswerModels& m) {
    return std::make_unique<Kto>(m, *in.config.kto, in.config.sequence_length);
  });
}

std::unique_ptr<Method> make_orpo(const MethodInputs& in) {
  return without_reference(in, [&](const AnswerModels& m) { return std::make_unique<Orpo>(m, *in.config.orpo); });
}

std::unique_ptr<Method> make_cpo(const MethodInputs& in) {
  return without_reference(in, [&](const AnswerModels& m) { return std::make_unique<Cpo>(m, *in.config.cpo); });
}

}  // namespace maru::train
