// A reward model: a score in place of the decoder's head, learnt from pairs of answers.
#include "train/objectives/reward.h"

#include "models/adapter_files.h"
#include "train/methods/answer_method.h"
#include "train/methods/methods.h"

namespace maru::train {
namespace {

// As in TRL: what does not fit is not learnt from. The score is that of the last token, and a text that is cut has
// none.
constexpr AnswerForm kWholePairs{.answers = 2, .whole = true};

class RewardMethod final : public AnswerMethod {
 public:
  explicit RewardMethod(const MethodInputs& inputs)
      : AnswerMethod(inputs, {.form = kWholePairs}),
        model_(*inputs.model),
        objective_(model_, inputs.adapter, *inputs.config.reward) {
    model_.initialise_score(static_cast<uint64_t>(in_.config.seed));
  }

  int64_t unused_weights() const override { return in_.config.model.vocab_size * in_.config.model.hidden_size; }

  void save(const fs::path& directory, const ResultFiles& files) override {
    if (in_.adapter != nullptr)
      return save_adapter(*in_.model, *in_.adapter, *in_.config.lora, files.base, directory, &model_.score());
    choose_padding(model_, files.generation_config);
    model_.save(directory);
  }

 private:
  ScoredObjective& scored() override { return objective_; }
  RewardModel model_;
  Reward objective_;
};

}  // namespace

void choose_padding(RewardModel& model, const Json& generation) {
  const Json pad = generation.value("pad_token_id", Json()), ends = generation.value("eos_token_id", Json::array());
  if (pad.is_number_integer() && std::ranges::find(ends, pad) == ends.end()) model.pad_token_id = pad.get<int64_t>();
}

std::unique_ptr<Method> make_reward(const MethodInputs& inputs) { return std::make_unique<RewardMethod>(inputs); }

}  // namespace maru::train
