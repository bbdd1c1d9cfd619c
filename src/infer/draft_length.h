// How many tokens are worth guessing: more after guesses that were right, fewer after wrong ones, and now and then one
// again where none were.
#pragma once
#include <algorithm>
#include <cstdint>

namespace maru::infer {

/// Of one sequence.
class DraftLength {
 public:
  /// At most `most`; 0: never any.
  explicit DraftLength(int64_t most) : most_(most), length_(most > 0 ? 1 : 0) {}
  /// For this step; 0: it is not worth it now.
  int64_t next() {
    if (most_ == 0 || length_ > 0 || ++rests_ < kRest) return length_;
    rests_ = 0;
    return length_ = 1;
  }
  /// How many of the guessed tokens that were looked at were right.
  void learn(int64_t guessed, int64_t right) {
    if (guessed > 0) length_ = right == guessed ? std::min(most_, 2 * length_) : length_ / 2;
  }

 private:
  static constexpr int64_t kRest = 16;  // steps without a guess after the last one that could be wrong was
  int64_t most_, length_, rests_ = 0;
};

}  // namespace maru::infer
