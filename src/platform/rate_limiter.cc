#include "platform/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/limit_failure.h"

namespace maru::platform {
namespace {

std::string whole(double number) { return std::to_string(std::llround(number)); }

/// `who`: "key NAME", "workspace NAME"; the first word is what they are told.
[[noreturn]] void refuse(const std::string& who, const char* what, const char* name, int64_t limit, double taken,
                         double wanted, double seconds) {
  throw LimitFailure("your " + who.substr(0, who.find(' ')) + " may use " + std::to_string(limit) + " " + what +
                         " per minute (" + name + "): " + whole(taken) +
                         " of them are used and this request is worth " + whole(wanted) + "; try again in " +
                         whole(std::ceil(seconds)) + " s",
                     seconds);
}

RateState state_of(TokenBucket& bucket, int64_t limit, RateClock::time_point now) {
  const auto most = static_cast<double>(limit);
  const double taken = bucket.taken(most, now);
  return {.limit = limit,
          .remaining = static_cast<int64_t>(std::floor(std::max(0.0, most - taken) + 1e-6)),
          .reset_seconds = 60 * taken / most};
}

bool is_idle(TokenBucket& bucket, int64_t limit, RateClock::time_point now) {
  return limit == 0 || bucket.taken(static_cast<double>(limit), now) == 0;
}

}  // namespace

RateLimiter::Key& RateLimiter::key_of(const Principal& principal) {
  if (keys_.size() >= next_look_) forget_idle(now_());
  Key& key = keys_[principal.key];
  key.limits = principal.limits;
  return key;
}

void RateLimiter::take_request(const Principal& principal) {
  const int64_t limit = principal.limits.requests_per_minute;
  if (limit == 0) return;
  const auto most = static_cast<double>(limit);
  std::lock_guard lock(mutex_);
  const RateClock::time_point now = now_();
  TokenBucket& bucket = key_of(principal).requests;
  if (const double seconds = bucket.seconds_until(1, most, now); seconds > 0)
    refuse(principal.key, "requests", "requests_per_minute", limit, bucket.taken(most, now), 1, seconds);
  bucket.charge(1);
}

std::unique_ptr<RateLimiter::Reservation> RateLimiter::reserve_tokens(const Principal& principal, int64_t tokens) {
  const int64_t limit = principal.limits.tokens_per_minute;
  if (limit == 0) return nullptr;
  const auto most = static_cast<double>(limit), wanted = static_cast<double>(tokens);
  std::lock_guard lock(mutex_);
  const RateClock::time_point now = now_();
  Key& key = key_of(principal);
  if (const double seconds = key.tokens.seconds_until(wanted, most, now); seconds > 0)
    refuse(principal.key, "tokens", "tokens_per_minute", limit, key.tokens.taken(most, now), wanted, seconds);
  const int64_t reserved = std::min(tokens, limit);
  auto reservation = std::make_unique<Reservation>(*this, principal.key, reserved);
  key.tokens.charge(static_cast<double>(reserved));
  ++key.open;
  return reservation;
}

/// The time that passed until now is counted first: what is given back was taken all the while.
void RateLimiter::settle(const std::string& name, int64_t tokens) {
  std::lock_guard lock(mutex_);
  Key& key = keys_.at(name);
  --key.open;
  if (key.limits.tokens_per_minute > 0) key.tokens.taken(static_cast<double>(key.limits.tokens_per_minute), now_());
  key.tokens.charge(static_cast<double>(tokens));
}

RateLimiter::States RateLimiter::states_of(const Principal& principal) {
  const KeyLimits& limits = principal.limits;
  States states;
  if (limits.requests_per_minute == 0 && limits.tokens_per_minute == 0) return states;
  std::lock_guard lock(mutex_);
  const RateClock::time_point now = now_();
  Key& key = key_of(principal);
  if (limits.requests_per_minute > 0) states.requests = state_of(key.requests, limits.requests_per_minute, now);
  if (limits.tokens_per_minute > 0) states.tokens = state_of(key.tokens, limits.tokens_per_minute, now);
  return states;
}

/// Looked for when there are twice as many as were left the last time: constant cost per request.
void RateLimiter::forget_idle(RateClock::time_point now) {
  for (auto entry = keys_.begin(); entry != keys_.end();) {
    Key& key = entry->second;
    const bool idle = key.open == 0 && is_idle(key.requests, key.limits.requests_per_minute, now) &&
                      is_idle(key.tokens, key.limits.tokens_per_minute, now);
    entry = idle ? keys_.erase(entry) : std::next(entry);
  }
  next_look_ = std::max<size_t>(64, 2 * keys_.size());
}

size_t RateLimiter::size() const {
  std::lock_guard lock(mutex_);
  return keys_.size();
}

}  // namespace maru::platform
