// Asking work to stop: whoever started it holds a token, the work looks at it where stopping loses nothing. One stage
// among several is stopped by its own token; Ctrl-C has one too (base/interrupt.h).
#pragma once
#include <atomic>
#include <string_view>

namespace maru {

/// Thread-safe, and fit for a signal handler. Outlives the work that looks at it.
class CancelToken {
 public:
  /// `why` is the message of the failure; it must live as long as the token.
  explicit constexpr CancelToken(std::string_view why = "cancelled") : why_(why) {}
  CancelToken(const CancelToken&) = delete;
  /// Returns whether it was cancelled before.
  bool cancel() { return cancelled_.exchange(true); }
  /// The work may begin again.
  void reset() { cancelled_ = false; }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// Throws kCancelled.
  void throw_if_cancelled() const;

 private:
  std::atomic<bool> cancelled_{false};
  std::string_view why_;
  static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace maru
