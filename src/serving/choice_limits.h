// How many choices one client may have running or waiting, so that it cannot take every place from the others, and how
// many tokens a minute.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/principal.h"
#include "platform/metering.h"
#include "platform/rate_limiter.h"

namespace maru::serving {

struct ChoiceRules {
  int64_t places = 0;      // of the engine: running and waiting
  int64_t per_client = 0;  // of one key, and of one address that is not this machine; 0: half of the places
  /// For requests of a single choice, whoever sends them: a quarter, because programs of this machine that bring no key
  /// cannot be told apart.
  int64_t kept_for_singles() const { return places / 4; }
  int64_t most_per_client() const { return per_client > 0 ? per_client : std::max<int64_t>(1, places / 2); }
};

/// Thread-safe; must outlive the places it gives.
class ChoiceLimits {
 public:
  using Clock = platform::RateClock;
  using Now = platform::RateLimiter::Now;
  /// `rates`: of tokens, `metering`: of workspaces; both must outlive this; null: none are counted.
  explicit ChoiceLimits(ChoiceRules rules, platform::RateLimiter* rates = nullptr, Now now = Clock::now,
                        platform::Metering* metering = nullptr)
      : rules_(rules), rates_(rates), metering_(metering), now_(std::move(now)) {}
  ChoiceLimits(const ChoiceLimits&) = delete;

  /// The places of one request; they are free again when it is destroyed.
  class Places {
   public:
    Places(ChoiceLimits& limits, std::vector<std::string> clients, int64_t choices, Clock::time_point begin)
        : limits_(limits), clients_(std::move(clients)), choices_(choices), begin_(begin) {}
    ~Places() { limits_.give_back(*this); }
    Places(const Places&) = delete;
    /// How long it lasts tells how long others will have to wait; what was refused tells nothing.
    void set_working() { working_ = true; }

   private:
    friend class ChoiceLimits;
    ChoiceLimits& limits_;
    const std::vector<std::string> clients_;
    const int64_t choices_;
    const Clock::time_point begin_;
    bool working_ = false;
  };
  /// Throws   LimitFailure naming the limit that is reached, with an estimate of how long; kInvalidArgument when there
  ///          will never be so many places for this caller.
  std::unique_ptr<Places> take(const Caller& caller, int64_t choices);
  /// Tokens on loan, of a key, its project and its workspace, and what they will have been used for.
  class Reservation {
   public:
    Reservation() = default;
    /// What was not used is given back; what was is recorded, if it has begun.
    ~Reservation();
    Reservation(const Reservation&) = delete;
    /// All tokens used so far.
    void set_used(int64_t tokens);
    /// The work has begun: from now on it is recorded, whatever becomes of it.
    void begin() { begun_ = true; }
    platform::UsageRecord& usage() { return usage_; }

   private:
    friend class ChoiceLimits;
    std::vector<std::unique_ptr<platform::RateLimiter::Reservation>> rates_;
    std::unique_ptr<platform::Metering::Allowance> allowance_;
    platform::Metering* metering_ = nullptr;  // null: nobody records it
    platform::UsageRecord usage_;
    bool begun_ = false;
  };
  /// Throws   LimitFailure naming the limit.
  std::unique_ptr<Reservation> reserve(const Caller& caller, int64_t tokens);
  /// The same for work of a model that uses all of them, as its input.
  void charge(const Caller& caller, const std::string& model, int64_t tokens);
  /// Of keys that have ever asked, by name: how many choices run or wait.
  std::map<std::string, int64_t> choices_by_key() const;
  /// `choices`: whose places were taken, and which an engine did not take all the same.
  ///
  /// Throws   LimitFailure.
  [[noreturn]] void refuse_full(int64_t choices) const;

 private:
  /// Everybody whose places a request takes, and how many each may have; 0: as the rules say.
  struct Client {
    std::string name;
    int64_t most = 0;
    const char* limit = "";
  };
  std::vector<Client> clients_of(const Caller& caller) const;
  void check_room(const std::string& who, int64_t taken, int64_t choices, int64_t most, const char* limit) const;
  double seconds_until_free(int64_t choices, int64_t taken) const;
  void give_back(const Places& places);

  const ChoiceRules rules_;
  platform::RateLimiter* const rates_;
  platform::Metering* const metering_;
  const Now now_;
  mutable std::mutex mutex_;                // guards what follows
  std::map<std::string, int64_t> clients_;  // choices of each key, and of each address that has some
  std::multiset<Clock::time_point> begun_;
  int64_t taken_ = 0;
  double mean_seconds_ = 0;  // that requests lasted lately; 0: none has ended yet
};

}  // namespace maru::serving
