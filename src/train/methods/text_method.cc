#include "train/methods/text_method.h"

#include <fmt/format.h>

#include "base/map_guard.h"
#include "models/encoder_files.h"
#include "models/quantize.h"
#include "models/weight_source.h"

namespace maru::train {

TextsModel read_texts_model(const MethodInputs& in, RewardModel* scorer) {
  if (scorer != nullptr) return {text_model(*scorer), nullptr, in.adapter};
  if (in.model != nullptr) return {text_model(*in.model), nullptr, in.adapter};
  const fs::path from = in.config.init_from;
  const Dtype dtype = parse_dtype(in.config.dtype);
  const auto seed = static_cast<uint64_t>(in.config.seed);
  RerankerToTrain read = in.config.rank
                             ? load_reranker_to_train(from, dtype, seed)
                             : RerankerToTrain{load_encoder_to_train(from, dtype), read_stored_config(from).json};
  TextsModel made;
  if (in.config.lora) made.own = std::make_unique<Adapter>(in.device, *read.encoder, *in.config.lora, seed);
  made.adapter = made.own.get();
  made.texts = text_model(std::move(read.encoder), std::move(read.config));
  return made;
}

TextMethod::TextMethod(const MethodInputs& inputs, bool together)
    : Method(inputs),
      form_(text_form(inputs.config.tokens)),
      shape_{inputs.config.sequence_length, inputs.config.micro_batch_tokens, together} {}

std::unique_ptr<BatchSource> TextMethod::source(const LoaderState& state) {
  return std::make_unique<TextLoader>(in_.train, form_, shape_, static_cast<uint64_t>(in_.config.seed), state);
}

void TextMethod::check_types(const TextLimits& limits) const {
  if (limits.type_vocab_size == 0) return;
  const auto check = [&](const std::vector<int32_t>& types) {
    for (const int32_t type : types)
      if (type >= limits.type_vocab_size)
        throw Failure(ErrorCode::kInvalidArgument,
                      fmt::format("{}: gives tokens the type {}, the model in {} has {}", in_.config.tokenizer, type,
                                  in_.config.init_from, limits.type_vocab_size));
  };
  const TextFrame& frame = shape_.together ? form_.pair : form_.single;
  check(frame.types);
  for (const std::vector<int32_t>& types : frame.piece_types) check(types);
}

HeldMemory TextMethod::held_beside(const TextsModel& read, Model& model) {
  return {.models = read.own != nullptr ? bytes_of(model) : 0};
}

void TextMethod::merge(const TextsModel& read, Model& model) const {
  if (read.adapter == nullptr) return;
  if (in_.model != nullptr) dequantize_weights(in_.device, *in_.model);
  merge_adapter(in_.device, model, *read.adapter);
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
