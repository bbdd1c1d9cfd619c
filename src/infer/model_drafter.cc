#include "infer/model_drafter.h"

#include <algorithm>
#include <cmath>

namespace maru::infer {

ModelDrafter::ModelDrafter(StepModel& model, int64_t vocab_size, int64_t most, int64_t step_tokens)
    : model_(model), vocab_size_(std::min(vocab_size, model.vocab_size())), most_(most), step_tokens_(step_tokens) {
  forget_all();
}

void ModelDrafter::forget_all() {
  sequences_.clear();
  free_.clear();
  for (int64_t page = model_.num_pages(); page-- > 0;) free_.push_back(static_cast<PageId>(page));
}

/// Guesses that were wrong lie behind what is known; the next tokens are written over them.
void ModelDrafter::drop_wrong(Sequence& sequence, std::span<const int32_t> tokens) {
  auto& taken = sequence.taken;
  auto at = static_cast<size_t>(sequence.checked);
  while (at < taken.size() && at < tokens.size() && taken[at] == tokens[at]) ++at;
  taken.resize(
      std::min(at, tokens.size() - 1));  // the newest is computed anew where it was guessed: its logits are wanted
  sequence.checked = std::ssize(taken);
}

/// False, and nothing taken, when there are not that many pages.
bool ModelDrafter::hold(Sequence& sequence, int64_t tokens) {
  const int64_t needed = (tokens + model_.page_tokens() - 1) / model_.page_tokens() - std::ssize(sequence.pages);
  if (needed > std::ssize(free_)) return false;
  for (int64_t i = 0; i < needed; ++i) {
    sequence.pages.push_back(free_.back());
    free_.pop_back();
  }
  return true;
}

/// Who guesses now: those with the least to take in first.
std::vector<ModelDrafter::Turn> ModelDrafter::begin(std::span<Wish> wishes) {
  std::vector<Turn> turns;
  for (Wish& wish : wishes) {
    Sequence& sequence = sequences_.try_emplace(wish.id, Sequence{.length = DraftLength(most_)}).first->second;
    const int64_t known = std::ssize(wish.tokens);
    const int64_t length = std::min({sequence.length.next(), wish.most, model_.max_context() - known});
    if (length <= 0 || !hold(sequence, known + length)) continue;
    drop_wrong(sequence, wish.tokens);
    turns.push_back({&wish, &sequence, length});
  }
  const auto behind = [](const Turn& turn) { return turn.wish->tokens.size() - turn.sequence->taken.size(); };
  std::stable_sort(turns.begin(), turns.end(), [&](const Turn& a, const Turn& b) { return behind(a) < behind(b); });
  return turns;
}

/// One step of the model; rows whose logits are wanted give their turn's wish one more token.
void ModelDrafter::run(std::span<const StepSequence> sequences, std::span<const Turn> turns) {
  model_.run(sequences, [&](const LogitsRow& row) {
    const auto logits = row.logits.first(static_cast<size_t>(vocab_size_));
    const auto best = std::max_element(logits.begin(), logits.end());
    if (std::isfinite(*best)) turns[row.sequence].wish->guess.push_back(static_cast<int32_t>(best - logits.begin()));
  });
}

void ModelDrafter::take_in(std::vector<Turn>& turns) {
  std::vector<StepSequence> step;
  int64_t budget = step_tokens_;
  for (const Turn& turn : turns) {
    auto& taken = turn.sequence->taken;
    const auto rest = turn.wish->tokens.subspan(taken.size());
    const auto now = rest.first(static_cast<size_t>(std::min<int64_t>(std::ssize(rest), budget)));
    if (now.empty()) break;
    budget -= std::ssize(now);
    step.push_back({.tokens = now,
                    .past = std::ssize(taken),
                    .pages = turn.sequence->pages,
                    .first_logits_row = std::ssize(now) - (now.size() == rest.size() ? 1 : 0)});
  }
  turns.resize(step.size());
  run(step, turns);
  for (size_t i = 0; i < turns.size(); ++i) {
    auto& taken = turns[i].sequence->taken;
    taken.insert(taken.end(), step[i].tokens.begin(), step[i].tokens.end());
    turns[i].sequence->checked = std::ssize(taken);
  }
}

/// Behind its own guesses, as long as somebody wants more.
void ModelDrafter::go_on(const std::vector<Turn>& all) {
  std::vector<Turn> turns = all;
  for (int64_t guessed = 1;; ++guessed) {
    std::erase_if(turns,
                  [&](const Turn& turn) { return std::ssize(turn.wish->guess) < guessed || turn.length <= guessed; });
    if (turns.empty()) return;
    std::vector<StepSequence> step;
    for (const Turn& turn : turns) {
      turn.sequence->taken.push_back(turn.wish->guess.back());
      step.push_back({.tokens = std::span(turn.sequence->taken).last(1),
                      .past = std::ssize(turn.sequence->taken) - 1,
                      .pages = turn.sequence->pages,
                      .first_logits_row = 0});
    }
    run(step, turns);
  }
}

void ModelDrafter::guess(std::span<Wish> wishes) {
  try {
    std::vector<Turn> turns = begin(wishes);
    if (turns.empty()) return;
    take_in(turns);
    go_on(turns);
  } catch (...) {
    forget_all();
    throw;
  }
}

void ModelDrafter::learn(SequenceId id, int64_t guessed, int64_t right) {
  if (const auto it = sequences_.find(id); it != sequences_.end()) it->second.length.learn(guessed, right);
}

void ModelDrafter::forget(SequenceId id) {
  const auto it = sequences_.find(id);
  if (it == sequences_.end()) return;
  free_.insert(free_.end(), it->second.pages.begin(), it->second.pages.end());
  sequences_.erase(it);
}

}  // namespace maru::infer
