// Vectors of texts: a sentence encoder, learnt from queries with documents or from two texts with a score.
#include "models/encoder_files.h"
#include "models/quantize.h"
#include "models/sentence_encoder.h"
#include "models/weight_source.h"
#include "train/methods/methods.h"
#include "train/methods/text_method.h"
#include "train/objectives/contrastive.h"

namespace maru::train {
namespace {

// As asked, else as the model has it stored, else the mean.
Pooling pooling_of(const TrainConfig& config) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kFirst, Pooling::kLast})
    if (config.embed->pooling == name_of(pooling)) return pooling;
  return stored_pooling(config.init_from).value_or(Pooling::kMean);
}

std::unique_ptr<TextModel> texts_of(const MethodInputs& in) {
  if (in.model != nullptr) return text_model(*in.model);
  const fs::path from = in.config.init_from;
  return text_model(load_encoder_to_train(from, parse_dtype(in.config.dtype)), read_stored_config(from).json);
}

class EmbedMethod final : public TextMethod {
 public:
  explicit EmbedMethod(const MethodInputs& inputs)
      : TextMethod(inputs, false),
        texts_(texts_of(inputs), pooling_of(inputs.config), inputs.config.sequence_length),
        objective_(texts_, inputs.adapter, inputs.adapter != nullptr ? &inputs.adapter->everywhere() : nullptr,
                   *inputs.config.embed, form_.scored) {
    if (form_.scored && inputs.config.embed->symmetric)
      throw Failure(ErrorCode::kInvalidArgument,
                    "recipe: embed.symmetric: is of queries with documents, and these texts have scores");
  }

  // What was learnt beside the model becomes part of it: vectors come from one directory, wherever it is loaded.
  void save(const fs::path& directory, const ResultFiles&) override {
    if (in_.adapter != nullptr) {
      dequantize_weights(in_.device, *in_.model);
      merge_adapter(in_.device, *in_.model, *in_.adapter);
    }
    texts_.save(directory);
  }

 private:
  ScoredObjective& scored() override { return objective_; }
  SentenceEncoder texts_;
  Contrastive objective_;
};

}  // namespace

std::unique_ptr<Method> make_embed(const MethodInputs& inputs) { return std::make_unique<EmbedMethod>(inputs); }

}  // namespace maru::train
