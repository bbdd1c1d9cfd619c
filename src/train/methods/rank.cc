// Rerankers: a score in place of the decoder's head, learnt from queries with right and wrong documents.
#include "train/methods/methods.h"
#include "train/methods/text_method.h"
#include "train/objectives/ranking.h"

namespace maru::train {
namespace {

class RankMethod final : public TextMethod {
 public:
  explicit RankMethod(const MethodInputs& inputs)
      : TextMethod(inputs, true), model_(*inputs.model), objective_(model_, *inputs.config.rank) {
    if (form_.scored)
      throw Failure(ErrorCode::kInvalidArgument,
                    inputs.config.tokens + ": holds texts with scores; method=rank learns from queries with documents");
    if (form_.pair.pieces[1].empty())
      throw Failure(
          ErrorCode::kUnimplemented,
          inputs.config.tokenizer + ": puts nothing between two texts: a query could not be told from a document");
    model_.initialise_score(static_cast<uint64_t>(in_.config.seed));
  }

  void save(const fs::path& directory, const ResultFiles& files) override {
    choose_padding(model_, files.generation_config);
    model_.save(directory);
  }

 private:
  ScoredObjective& scored() override { return objective_; }
  RewardModel model_;
  Ranking objective_;
};

}  // namespace

std::unique_ptr<Method> make_rank(const MethodInputs& inputs) { return std::make_unique<RankMethod>(inputs); }

}  // namespace maru::train
