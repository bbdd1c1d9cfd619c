// Vectors of texts: a sentence encoder, learnt from queries with documents or from two texts with a score.
#include "models/sentence_encoder.h"
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

class EmbedMethod final : public TextMethod {
 public:
  explicit EmbedMethod(const MethodInputs& inputs)
      : TextMethod(inputs, false),
        read_(read_texts_model(inputs)),
        texts_(std::move(read_.texts), pooling_of(inputs.config), inputs.config.sequence_length),
        objective_(texts_, read_.adapter, read_.adapter != nullptr ? &read_.adapter->everywhere() : nullptr,
                   *inputs.config.embed, form_.scored) {
    if (form_.scored && inputs.config.embed->symmetric)
      throw Failure(ErrorCode::kInvalidArgument,
                    "recipe: embed.symmetric: is of queries with documents, and these texts have scores");
    check_types(texts_.limits());
  }

  HeldMemory held() override { return held_beside(read_, texts_.model()); }

  // What was learnt beside the model becomes part of it: vectors come from one directory, wherever it is loaded.
  void save(const fs::path& directory, const ResultFiles&) override {
    merge(read_, texts_.model());
    texts_.save(directory);
  }

 private:
  ScoredObjective& scored() override { return objective_; }
  TextsModel read_;
  SentenceEncoder texts_;
  Contrastive objective_;
};

}  // namespace

std::unique_ptr<Method> make_embed(const MethodInputs& inputs) { return std::make_unique<EmbedMethod>(inputs); }

}  // namespace maru::train
