#include "serving/answer.h"

#include <utility>

namespace maru::serving {

Answer::Answer(std::shared_ptr<const ServedModel> model, std::vector<infer::GenerationRequest> prompts,
               ChoiceLimits& limits, const Caller& caller, const std::function<void()>& wake)
    : model_(std::move(model)) {
  CHECK(!prompts.empty());
  choices_per_prompt_ = prompts.front().choices;
  if (!caller.principal.may_ask(model_->id())) no_such_model(model_->id());
  const int64_t choices = choices_per_prompt_ * static_cast<int64_t>(prompts.size());
  int64_t most_tokens = 0;
  for (infer::GenerationRequest& prompt : prompts) {
    CHECK(prompt.choices == choices_per_prompt_);
    prompt.tenant = caller.principal.tenant;
    prompt.tenant_weight = caller.principal.weight;
    prompt_tokens_ += static_cast<int64_t>(prompt.prompt.size());
    most_tokens += prompt.choices * prompt.max_tokens;
  }
  places_ = limits.take(caller, choices);
  reservation_ = limits.reserve(caller, prompt_tokens_ + most_tokens);
  submit(std::move(prompts), limits, wake);
  generated_.assign(static_cast<size_t>(choices), 0);
  count(0);
}

void Answer::submit(std::vector<infer::GenerationRequest> prompts, const ChoiceLimits& limits,
                    const std::function<void()>& wake) {
  const int64_t choices = choices_per_prompt_ * static_cast<int64_t>(prompts.size());
  for (infer::GenerationRequest& prompt : prompts) try {
      generations_.push_back(model_->engine().submit(std::move(prompt), wake));
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExhausted) throw;
      limits.refuse_full(choices);
    }
}

/// Whoever goes away pays for the prompt and for what was sent until then.
void Answer::count(int64_t more) {
  num_generated_ += more;
  if (reservation_ != nullptr) reservation_->set_used(prompt_tokens_ + num_generated_);
}

void Answer::take(const infer::Piece& piece) {
  places_->set_working();
  int64_t& generated = generated_.at(static_cast<size_t>(piece.choice));
  count(piece.num_tokens - generated);
  generated = piece.num_tokens;
}

Answer::Next Answer::next(infer::Piece& piece) {
  bool ended = true;
  for (size_t i = 0; i < generations_.size(); ++i) {
    const Next next = generations_[i]->next(piece);
    if (next == Next::kFailed) error_ = generations_[i]->error();
    if (next == Next::kPiece) {
      piece.choice += static_cast<int64_t>(i) * choices_per_prompt_;
      take(piece);
    }
    if (next == Next::kFailed || next == Next::kPiece) return next;
    ended &= next == Next::kEnd;
  }
  return ended ? Next::kEnd : Next::kWait;
}

}  // namespace maru::serving
