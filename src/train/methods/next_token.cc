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
        objective_(inputs.adapter != nullptr ? NextToken(inputs.model, *inputs.adapter) : NextToken(inputs.model)) {}

  Objective& objective() override { return objective_; }

  std::unique_ptr<BatchSource> source(const LoaderState& state) override {
    return std::make_unique<Loader>(in_.train, in_.config.sequence_length, static_cast<uint64_t>(in_.config.seed),
                                    state);
  }

  Figures validate(StepMemory memory) override {
    if (in_.adapter != nullptr) memory.adapters = &in_.adapter->everywhere();
    const ValidationResult result = train::validate(memory, in_.model, in_.held_out, in_.config.sequence_length,
                                                    in_.config.micro_batch_tokens, in_.config.validation.tokens);
    if (!result.has_text()) return {};
    return {{"loss", result.loss()}, {"bits_per_byte", *result.bits_per_byte()}};
  }

 private:
  NextToken objective_;
};

}  // namespace

std::unique_ptr<Method> make_next_token(const MethodInputs& inputs) {
  return std::make_unique<NextTokenMethod>(inputs);
}

}  // namespace maru::train
