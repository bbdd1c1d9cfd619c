// What workspaces use and how much of it they may: records of finished requests, written behind the answers in batches
// by a thread of its own, and quotas of workspaces and projects.
//
//   requests and tokens per minute, parallel choices   ceilings, which stand beside the limits of a key
//   tokens per day and month (UTC)                     reserved before the work begins, given back where not used;
//                                                      what was used before is what the records say, of all servers
//
// A process that is killed loses the records of its last moment, at most kPeriod, and none is ever there twice.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/principal.h"
#include "platform/home_database.h"
#include "platform/quotas.h"
#include "platform/repeated.h"
#include "platform/usage.h"

namespace maru::platform {

/// A limit of several keys together.
struct Ceiling {
  std::string who;  // "workspace lab", "project lab/p"
  KeyLimits limits;
};

/// Thread-safe.
class Metering {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;
  static constexpr auto kPeriod = std::chrono::milliseconds(200);
  static constexpr size_t kMostWaiting = 200'000;  // records that cannot be written yet; more are lost, and said

  /// Throws   what the database throws.
  explicit Metering(HomeDatabase& home, HomeDatabase::Warn warn = {}, Now now = std::chrono::system_clock::now,
                    std::chrono::milliseconds period = kPeriod);
  /// Writes what waits.
  ~Metering();
  Metering(const Metering&) = delete;

  /// Those that hold for a key, beside its own.
  std::vector<Ceiling> ceilings_of(const Principal& principal) const;

  /// Tokens of a day and a month on loan. Must not outlive the metering.
  class Allowance {
   public:
    Allowance(Metering& metering, std::vector<std::string> scopes, int64_t tokens)
        : metering_(metering), scopes_(std::move(scopes)), tokens_(tokens) {}
    /// What was used is in the records by then.
    ~Allowance() { metering_.give_back(scopes_, tokens_); }
    Allowance(const Allowance&) = delete;

   private:
    Metering& metering_;
    const std::vector<std::string> scopes_;
    const int64_t tokens_;
  };
  /// Null where nothing limits them.
  ///
  /// Throws   LimitFailure naming the quota.
  std::unique_ptr<Allowance> reserve(const Principal& principal, int64_t tokens);

  /// A request has ended; its id and time are given here. Short: it is written later.
  void add(UsageRecord record);
  /// Writes what waits, and takes in quotas and what other servers have written: done by itself every period.
  void flush();
  void renew();

  /// Sums of this process, by workspace.
  struct Total {
    int64_t requests = 0, input_tokens = 0, cached_tokens = 0, output_tokens = 0, reasoning_tokens = 0;
  };
  std::map<std::string, Total> totals() const;
  int64_t lost() const;

 private:
  struct Sums {
    std::map<std::string, int64_t> tokens;  // by day ("2027-01-31") and month ("2027-01")
    int64_t open = 0;                       // on loan
  };
  void give_back(const std::vector<std::string>& scopes, int64_t tokens);
  void count(const std::string& workspace, const std::string& project, const std::string& at, int64_t tokens);
  void begin_counting(Connection& connection);
  void count_new(Connection& connection);
  void check(const std::string& scope, const Quota& quota, int64_t tokens);

  HomeDatabase& home_;
  const HomeDatabase::Warn warn_;
  const Now now_;
  std::mutex renewing_, writing_;  // one at a time
  int64_t seen_ = -1;              // number of the last record that is counted; -1: none was asked for yet
  mutable std::mutex mutex_;       // guards what follows
  std::unordered_map<std::string, Quota> quotas_;  // by scope
  std::unordered_map<std::string, Sums> sums_;     // likewise
  std::unordered_set<std::string> own_;            // ids that are counted and have not been seen in the database yet
  std::vector<UsageRecord> waiting_;
  std::map<std::string, Total> totals_;
  int64_t lost_ = 0;
  std::optional<Repeated> writer_, renewer_;  // last: they use the others
};

}  // namespace maru::platform
