// What the engine guesses before a step: from the text, by a grammar, by a model.
#include <utility>

#include "infer/engine_active.h"

namespace maru::infer {
namespace {

constexpr int64_t kForcedTokens = 16;  // of forced text, in one step
constexpr int64_t kMostMisses = 4;     // then the model's tokens for such text are others than the tokenizer's

}  // namespace

/// What each choice may say next, where that is known to be cheap to try.
void Engine::guess() {
  for (auto& [id, active] : active_)
    active.drafts = active.generated > 0 ? guess_of(id, active) : std::vector<int32_t>();
  if (drafter_) guess_by_model();
  for (auto& [id, active] : active_) {
    const int64_t left = active.num_left();
    if (std::ssize(active.drafts) > left) active.drafts.resize(static_cast<size_t>(std::max<int64_t>(left, 0)));
    scheduler_.propose(id, std::ssize(active.drafts));
  }
}

std::vector<int32_t> Engine::guess_of(SequenceId id, Active& active) {
  active.drafted_by = Active::By::kText;
  if (active.grammar == nullptr) return active.drafter.guess(scheduler_.tokens(id));
  if (active.forced_misses >= kMostMisses) return {};
  active.drafted_by = Active::By::kGrammar;
  std::vector<int32_t> forced;
  if (const std::string text = active.grammar->forced(); !text.empty()) encoder_.encode(text, {}, forced);
  if (std::ssize(forced) > kForcedTokens) forced.resize(kForcedTokens);
  return forced;
}

/// For those about whom nothing is known from the text, and whose newest token is all that is left to compute.
void Engine::guess_by_model() {
  std::vector<ModelDrafter::Wish> wishes;
  for (auto& [id, active] : active_) {
    const bool decodes = active.generated > 0 && scheduler_.num_computed(id) + 1 == std::ssize(scheduler_.tokens(id));
    if (!decodes || !active.drafts.empty() || active.num_left() <= 0 || active.channel->full()) continue;
    wishes.push_back({.id = id, .tokens = scheduler_.tokens(id), .most = active.num_left()});
  }
  if (wishes.empty()) return;
  try {
    std::unique_lock<Turns> turn;
    if (options_.turns != nullptr) turn = std::unique_lock(*options_.turns);
    drafter_->guess(wishes);
  } catch (const std::exception&) {
    return;  // answers go on without guesses; lost files are told of by the step that follows
  }
  for (ModelDrafter::Wish& wish : wishes) {
    Active& active = active_.at(wish.id);
    active.drafts = std::move(wish.guess);
    active.drafted_by = Active::By::kModel;
  }
}

}  // namespace maru::infer
