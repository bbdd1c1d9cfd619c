#include "train/methods/answer_method.h"

#include "train/validate_answers.h"

namespace maru::train {

std::unique_ptr<BatchSource> AnswerMethod::source(const LoaderState& state) {
  return std::make_unique<AnswerLoader>(in_.train, in_.config.sequence_length, kind_.form,
                                        static_cast<uint64_t>(in_.config.seed), state, known(false));
}

Figures AnswerMethod::take_figures() {
  Figures figures = scored().take_figures();
  figures.erase("loss");  // the row has the step's
  return figures;
}

Figures AnswerMethod::validate(StepMemory memory) {
  scored().take_figures();
  validate_answers(
      memory, [this](Context& ctx, const MicroBatch& batch) { scored().score(ctx, batch); },
      AnswerSet(in_.held_out, in_.config.sequence_length, kind_.form, known(true)), in_.config.micro_batch_tokens,
      in_.config.validation.tokens, kind_.least);
  return scored().take_figures();
}

}  // namespace maru::train
