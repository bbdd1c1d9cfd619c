// Who a key belongs to, by the database of a home. What is asked stands in memory; a thread takes in what changes, in
// this process or another, within a second.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/principal.h"
#include "platform/home_database.h"
#include "platform/repeated.h"
#include "platform/utc_time.h"

namespace maru::platform {

struct KeyState;

/// Thread-safe. Keys are asked for from the first one on that was ever made, also when none is in force any more.
class HomeKeys : public Authenticator {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;
  static constexpr auto kPeriod = std::chrono::milliseconds(200);

  /// Throws   what the database throws.
  explicit HomeKeys(HomeDatabase& home, HomeDatabase::Warn warn = {}, Now now = std::chrono::system_clock::now,
                    std::chrono::milliseconds period = kPeriod);
  ~HomeKeys() override;
  HomeKeys(const HomeKeys&) = delete;
  bool has_keys() const override { return change_ > 0; }
  std::optional<Principal> principal_of(std::string_view key) const override;
  /// Takes in what has changed: whoever made or revoked a key here calls it, so that it holds at once.
  void renew();

 private:
  struct Entry {
    std::string id;
    Principal principal;
    std::optional<UtcTime> expires;
    mutable int64_t day = -1;  // of the last use that is noted, since 1970; guarded as all entries are
  };
  void take(KeyState state);
  void note_uses();

  HomeDatabase& home_;
  const Now now_;
  std::mutex renewing_;  // one at a time
  std::atomic<int64_t> change_{0};
  mutable std::mutex mutex_;                                               // guards what follows
  std::unordered_map<std::string, std::shared_ptr<const Entry>> entries_;  // by hash
  mutable std::unordered_set<std::string> used_;                           // ids whose day is to be written
  std::optional<Repeated> renewer_, noter_;  // last: they use the others. Two, since who writes may wait for others
};

}  // namespace maru::platform
