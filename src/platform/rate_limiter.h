// Requests and tokens per minute of each key.
//
//   requests  counted when their head is there, whatever becomes of them: one that fails costs like one that does not
//   tokens    reserved before the work begins (prompt and the most that may be generated), so that many requests at
//             once cannot pass together; what was not generated is given back when it ends
//
// A request whose reservation is more than a minute's worth waits for a full bucket and takes all of it; what it used
// beyond that is owed. So no limit makes a request impossible, and no size of request gets more than the limit.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/principal.h"
#include "platform/token_bucket.h"

namespace maru::platform {

/// What is left of one limit now.
struct RateState {
  int64_t limit = 0, remaining = 0;
  double reset_seconds = 0;  // until all of it is free again
};

/// Thread-safe. Keys without limits cost nothing; memory is bounded by the keys that were active within their last
/// minutes: a bucket that is full again is like none.
class RateLimiter {
 public:
  using Now = std::function<RateClock::time_point()>;
  explicit RateLimiter(Now now = RateClock::now) : now_(std::move(now)) {}
  RateLimiter(const RateLimiter&) = delete;

  /// Throws   LimitFailure naming requests_per_minute.
  void take_request(const Principal& principal);

  /// Tokens on loan. Must not outlive the limiter.
  class Reservation {
   public:
    Reservation(RateLimiter& limiter, std::string key, int64_t tokens)
        : limiter_(limiter), key_(std::move(key)), tokens_(tokens) {}
    /// Gives back what was not used.
    ~Reservation() { limiter_.settle(key_, used_ - tokens_); }
    Reservation(const Reservation&) = delete;
    /// All tokens used so far.
    void set_used(int64_t tokens) { used_ = tokens; }

   private:
    RateLimiter& limiter_;
    const std::string key_;
    const int64_t tokens_;
    int64_t used_ = 0;
  };
  /// Null for a key without such a limit.
  ///
  /// Throws   LimitFailure naming tokens_per_minute.
  std::unique_ptr<Reservation> reserve_tokens(const Principal& principal, int64_t tokens);

  /// None where there is no such limit.
  struct States {
    std::optional<RateState> requests, tokens;
  };
  States states_of(const Principal& principal);
  /// Keys that something is remembered of.
  size_t size() const;

 private:
  struct Key {
    TokenBucket requests, tokens;
    KeyLimits limits;  // as they were last
    int64_t open = 0;  // reservations
  };
  Key& key_of(const Principal& principal);
  void settle(const std::string& key, int64_t tokens);
  void forget_idle(RateClock::time_point now);

  const Now now_;
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, Key> keys_;
  size_t next_look_ = 64;  // for idle ones, when there are as many
};

}  // namespace maru::platform
