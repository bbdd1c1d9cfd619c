// What is noted of one request on its way, for whoever traces it: which model, how many tokens, when what happened.
// Never a word of what was said.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace maru {

/// Thread-safe.
class RequestRecord {
 public:
  using Clock = std::chrono::steady_clock;
  struct Notes {
    std::string model;  // empty: none was asked
    int64_t prompt_tokens = 0, reused_tokens = 0, generated_tokens = 0;
    int64_t max_tokens = 0, choices = 0;
    double temperature = 0, top_p = 0;
    std::vector<std::string> finish_reasons;  // of the choices that ended
    // Of the first choice and, where it ended, of the last. Not set: it has not happened.
    Clock::time_point submitted, started, first_token, ended;
  };

  /// `traceparent`: as the client sent it, unread.
  explicit RequestRecord(std::string traceparent) : traceparent_(std::move(traceparent)) {}
  const std::string& traceparent() const { return traceparent_; }
  template <class F>
  void note(const F& change) {
    std::lock_guard lock(mutex_);
    change(notes_);
  }
  Notes notes() const {
    std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  const std::string traceparent_;
  mutable std::mutex mutex_;  // guards what follows
  Notes notes_;
};

}  // namespace maru
