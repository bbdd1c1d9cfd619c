// Documents, or answers: the next token.
#include "train/objectives/next_token.h"

#include "train/methods/methods.h"
#include "train/validate.h"

namespace maru::train {
namespace {

class NextTokenMethod final : public Method {
 public:
  explicit NextTokenMethod(const MethodInputs& inputs)
      : Method(inputs),
        objective_(inputs.adapter != nullptr ? NextToken(*inputs.model, *inputs.adapter) : NextToken(*inputs.model)) {}

  Objective& objective() override { return objective_; }

  std::unique_ptr<BatchSource> source(const LoaderState& state) override {
    return std::make_unique<Loader>(in_.train, in_.config.sequence_length, static_cast<uint64_t>(in_.config.seed),
                                    state);
  }

  Figures validate(StepMemory memory) override { return validate_text(in_, memory); }

 private:
  NextToken objective_;
};

}  // namespace

Figures validate_text(const MethodInputs& in, StepMemory& memory) {
  if (in.adapter != nullptr) memory.adapters = &in.adapter->everywhere();
  const ValidationResult result = train::validate(memory, *in.model, in.held_out, in.config.sequence_length,
                                                  in.config.micro_batch_tokens, in.config.validation.tokens);
  if (!result.has_text()) return {};
  return {{"loss", result.loss()}, {"bits_per_byte", *result.bits_per_byte()}};
}

std::unique_ptr<Method> make_next_token(const MethodInputs& inputs) {
  return std::make_unique<NextTokenMethod>(inputs);
}

}  // namespace maru::train
