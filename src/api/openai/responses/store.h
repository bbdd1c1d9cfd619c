// Responses that are kept to be asked for by their id and gone on with. In memory, of this process alone, and bounded
// in number, bytes and age.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "api/openai/responses/events.h"

namespace maru::api::openai {

/// JSON stays text: it takes the memory that it is counted with.
struct StoredResponse {
  std::string id, tenant, model, status;
  std::string body;     // the response object
  std::string input;    // items of its request
  std::string context;  // items of all that was said until its end, this response's among them
  std::shared_ptr<EventLog> events{};  // as they were, or are, sent; null: they are not kept
};

struct StoreLimits {
  int64_t responses = 0;  // 0: nothing is kept
  int64_t bytes = 0;
  double seconds = 0;
};

/// Thread-safe. A response of another tenant is as good as none.
class ResponseStore {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;
  explicit ResponseStore(StoreLimits limits, Now now = Clock::now) : limits_(limits), now_(std::move(now)) {}
  bool is_off() const { return limits_.responses == 0; }
  int64_t most_bytes() const { return limits_.bytes; }

  /// Keeps it in place of one of its id, and lets go what is beyond the limits: what is too old, then the oldest of the
  /// tenant that has the most bytes, so that none can push out what others keep. One that is beyond the limits alone is
  /// not kept.
  void put(StoredResponse response);
  /// Null: there is none, or no more.
  std::shared_ptr<const StoredResponse> find(const std::string& tenant, const std::string& id);
  /// False: there was none.
  bool erase(const std::string& tenant, const std::string& id);
  size_t size() const;
  int64_t bytes() const;

 private:
  struct Entry {
    std::shared_ptr<const StoredResponse> response;
    Clock::time_point since;
    int64_t bytes;
  };
  using Key = std::pair<std::string, std::string>;  // tenant, id
  using Entries = std::list<Entry>;                 // the oldest first
  void remove(Entries::iterator entry);
  void drop_old();
  void drop_oldest();

  const StoreLimits limits_;
  const Now now_;
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;
  std::map<Key, Entries::iterator> by_id_;
  std::map<std::string, int64_t> tenants_;  // bytes of each
  int64_t bytes_ = 0;
};

}  // namespace maru::api::openai
