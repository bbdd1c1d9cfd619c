// Guesses what comes next from what was said before: the tokens behind the last time that the newest few tokens stood
// there (prompt lookup). Costs next to nothing, and is right wherever an answer repeats its prompt or itself.
#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "infer/draft_length.h"

namespace maru::infer {

/// Of one sequence. Owned by the engine thread.
class NgramDrafter {
 public:
  /// Guesses at most `most` tokens; 0: never any.
  explicit NgramDrafter(int64_t most) : length_(most) {}
  /// What may follow `tokens`, which begin with those of the last call; empty where nothing like it was said.
  ///
  /// Cost   O(new tokens)
  std::vector<int32_t> guess(std::span<const int32_t> tokens);
  /// How many of the guessed tokens that were looked at were right.
  void learn(int64_t guessed, int64_t right) { length_.learn(guessed, right); }

 private:
  static constexpr int64_t kGram = 3;
  void index(std::span<const int32_t> tokens);
  DraftLength length_;
  int64_t indexed_ = 0;                          // grams that end before this token
  std::unordered_map<uint64_t, int64_t> after_;  // hash of a gram: where the token behind it stands
};

}  // namespace maru::infer
