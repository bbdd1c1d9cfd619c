// How many choices one client may have running or waiting, so that it cannot take every place from the others.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
  explicit ChoiceLimits(ChoiceRules rules) : rules_(rules) {}
  /// The places of one request; they are free again when it is destroyed.
  class Places;
  /// `clients`: who the request counts for, e.g. "key 1", "address 10.0.0.1"; the first word is what they are told.
  ///
  /// Throws   kExhausted naming the limit that is reached.
  std::shared_ptr<const Places> take(const std::vector<std::string>& clients, int64_t choices);

 private:
  friend class Places;
  void give_back(const Places& places);
  const ChoiceRules rules_;
  std::mutex mutex_;                        // guards what follows
  std::map<std::string, int64_t> clients_;  // choices of each key and of each address
  int64_t taken_ = 0;
};

}  // namespace maru::serving
