// Files that grow, as events: one thread looks at all of them now and then, so that no network thread waits for a disk.
#pragma once
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "http/http.h"

namespace maru::api::jobs {

/// Thread-safe. Streams may outlive it: they end with it.
class Followers {
 public:
  /// Appends what is new as events, perhaps nothing; false: that was all. Called by one thread at a time; what it
  /// throws ends the stream.
  using Look = std::function<bool(std::string& to)>;
  explicit Followers(std::chrono::milliseconds period = std::chrono::milliseconds(250));
  ~Followers();
  Followers(const Followers&) = delete;
  std::unique_ptr<http::EventStream> follow(Look look, http::Wake wake);

 private:
  struct Slot;
  class Stream;
  void loop();
  static void look(Slot& slot);

  const std::chrono::milliseconds period_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::list<std::shared_ptr<Slot>> slots_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace maru::api::jobs
