// Rerankers: a score in place of the decoder's head, or of an encoder with a classifier, learnt from queries with right
// and wrong documents.
#include "train/methods/methods.h"
#include "train/methods/text_method.h"
#include "train/objectives/ranking.h"

namespace maru::train {
namespace {

class RankMethod final : public TextMethod {
 public:
  explicit RankMethod(const MethodInputs& inputs)
      : TextMethod(inputs, true),
        scorer_(inputs.model != nullptr ? std::make_unique<RewardModel>(*inputs.model) : nullptr),
        read_(read_texts_model(inputs, scorer_.get())),
        objective_(*read_.texts, read_.adapter, *inputs.config.rank) {
    if (form_.scored)
      throw Failure(ErrorCode::kInvalidArgument,
                    inputs.config.tokens + ": holds texts with scores; method=rank learns from queries with documents");
    if (form_.pair.pieces[1].empty())
      throw Failure(
          ErrorCode::kUnimplemented,
          inputs.config.tokenizer + ": puts nothing between two texts: a query could not be told from a document");
    check_types(read_.texts->limits());
    if (scorer_) scorer_->initialise_score(static_cast<uint64_t>(in_.config.seed));
  }

  HeldMemory held() override { return held_beside(read_, read_.texts->model()); }

  // As of vectors: what was learnt beside the model becomes part of it.
  void save(const fs::path& directory, const ResultFiles& files) override {
    merge(read_, read_.texts->model());
    if (scorer_) choose_padding(*scorer_, files.generation_config);
    read_.texts->save(directory);
  }

 private:
  ScoredObjective& scored() override { return objective_; }
  std::unique_ptr<RewardModel> scorer_;
  TextsModel read_;
  Ranking objective_;
};

}  // namespace

std::unique_ptr<Method> make_rank(const MethodInputs& inputs) { return std::make_unique<RankMethod>(inputs); }

}  // namespace maru::train
