// Vectors of texts: a sentence encoder, learnt from queries with documents or from two texts with a score.
#include "models/quantize.h"
#include "models/sentence_encoder.h"
#include "train/methods/methods.h"
#include "train/methods/text_method.h"
#include "train/objectives/contrastive.h"

namespace maru::train {
namespace {

Pooling pooling_of(const ContrastiveConfig& config) {
  for (const Pooling pooling : {Pooling::kFirst, Pooling::kLast})
    if (config.pooling == name_of(pooling)) return pooling;
  return Pooling::kMean;
}

class EmbedMethod final : public TextMethod {
 public:
  explicit EmbedMethod(const MethodInputs& inputs)
      : TextMethod(inputs, false),
        texts_(text_model(inputs.model), pooling_of(*inputs.config.embed), inputs.config.sequence_length),
        objective_(texts_, inputs.adapter, inputs.adapter != nullptr ? &inputs.adapter->everywhere() : nullptr,
                   *inputs.config.embed, form_.scored) {
    if (form_.scored && inputs.config.embed->symmetric)
      throw Failure(ErrorCode::kInvalidArgument,
                    "recipe: embed.symmetric: is of queries with documents, and these texts have scores");
  }

  // What was learnt beside the model becomes part of it: vectors come from one directory, wherever it is loaded.
  void save(const fs::path& directory, const ResultFiles&) override {
    if (in_.adapter != nullptr) {
      dequantize_weights(in_.device, in_.model);
      merge_adapter(in_.device, in_.model, *in_.adapter);
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
