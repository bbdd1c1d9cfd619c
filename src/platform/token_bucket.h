// How much of something is free again by now: a limit per minute that refills all the time, not at the minute's border.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

namespace maru::platform {

using RateClock = std::chrono::steady_clock;

/// Keeps what was taken and has not come back yet, so that a limit can change at any time and an idle bucket is worth
/// nothing. At most a minute's worth can be taken at once. A clock that goes back stands still.
class TokenBucket {
 public:
  /// What is taken and not back yet at `now`; below zero never, above the limit after a charge beyond it.
  double taken(double per_minute, RateClock::time_point now) {
    if (now > last_) {
      const double minutes = std::chrono::duration<double, std::ratio<60>>(now - last_).count();
      taken_ = std::max(0.0, taken_ - minutes * per_minute);
    }
    last_ = std::max(last_, now);
    return taken_;
  }
  /// Takes (or with a negative amount gives back) whether or not there is room.
  void charge(double amount) { taken_ = std::max(0.0, taken_ + amount); }
  /// Seconds until `amount` can be taken; 0: now. More than a minute's worth is waited for as a full bucket.
  double seconds_until(double amount, double per_minute, RateClock::time_point now) {
    const double over = taken(per_minute, now) + std::min(amount, per_minute) - per_minute;
    return over <= kRounding * per_minute ? 0 : 60 * over / per_minute;
  }

 private:
  static constexpr double kRounding = 1e-9;
  double taken_ = 0;
  RateClock::time_point last_{};
};

}  // namespace maru::platform
