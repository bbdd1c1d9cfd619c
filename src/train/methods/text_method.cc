#include "train/methods/text_method.h"

#include "base/map_guard.h"

namespace maru::train {

TextMethod::TextMethod(const MethodInputs& inputs, bool together)
    : Method(inputs),
      form_(text_form(inputs.config.tokens)),
      shape_{inputs.config.sequence_length, inputs.config.micro_batch_tokens, together} {}

std::unique_ptr<BatchSource> TextMethod::source(const LoaderState& state) {
  return std::make_unique<TextLoader>(in_.train, form_, shape_, static_cast<uint64_t>(in_.config.seed), state);
}

Figures TextMethod::take_figures() {
  Figures figures = scored().take_figures();
  figures.erase("loss");  // the row has the step's
  return figures;
}

Figures TextMethod::validate(StepMemory memory) {
  scored().take_figures();
  const TextSet examples(in_.held_out, form_, shape_);
  MicroBatch batch;
  const auto score = [&] {
    if (batch.counted > 1) memory.run([&](Context& ctx) { scored().score(ctx, batch); });
    check_mapped_files();
    batch.clear();
  };
  int64_t seen = 0;
  for (int64_t i = 0; i < examples.size() && seen < in_.config.validation.tokens; ++i) {
    const auto sequences = static_cast<int64_t>(batch.builder.sequences().size()) + examples.sequences(i);
    if (batch.builder.num_tokens() + examples.tokens(i) > shape_.micro_batch_tokens ||
        sequences > most_sequences(shape_.micro_batch_tokens))
      score();
    examples.append(batch, i);
    seen += examples.tokens(i);
  }
  score();
  return scored().take_figures();
}

}  // namespace maru::train
