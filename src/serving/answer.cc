#include "serving/answer.h"

#include <utility>

namespace maru::serving {

Answer::Answer(std::shared_ptr<const ServedModel> model, std::vector<infer::GenerationRequest> prompts,
               ChoiceLimits& limits, const std::vector<std::string>& clients, const std::function<void()>& wake)
    : model_(std::move(model)) {
  CHECK(!prompts.empty());
  choices_per_prompt_ = prompts.front().choices;
  places_ = limits.take(clients, choices_per_prompt_ * static_cast<int64_t>(prompts.size()));
  for (infer::GenerationRequest& prompt : prompts) {
    CHECK(prompt.choices == choices_per_prompt_);
    if (!clients.empty()) prompt.tenant = clients.front();
    prompt_tokens_ += static_cast<int64_t>(prompt.prompt.size());
    generations_.push_back(model_->engine().submit(std::move(prompt), wake));
  }
}

Answer::Next Answer::next(infer::Piece& piece) {
  bool ended = true;
  for (size_t i = 0; i < generations_.size(); ++i) {
    const Next next = generations_[i]->next(piece);
    if (next == Next::kFailed) error_ = generations_[i]->error();
    if (next == Next::kPiece) piece.choice += static_cast<int64_t>(i) * choices_per_prompt_;
    if (next == Next::kFailed || next == Next::kPiece) return next;
    ended &= next == Next::kEnd;
  }
  return ended ? Next::kEnd : Next::kWait;
}

}  // namespace maru::serving
