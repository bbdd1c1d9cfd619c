// Traces of requests, sent to where an operator has said, on a thread of its own: the only connections that Maru ever
// makes. Whoever answers requests never waits for it.
//
//   full         what does not fit is dropped and counted
//   nobody there it is tried again twice, then dropped and counted; a warning once until it works again
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "api/otlp.h"
#include "http/post.h"
#include "http/server.h"

namespace maru::api {

struct TracerOptions {
  size_t most_spans = 4096;                                              // that wait
  size_t batch_spans = 512;                                              // sent together
  std::chrono::milliseconds interval{1000}, timeout{5000}, pause{1000};  // between batches; of one; before another try
};

/// Thread-safe.
class Tracer {
 public:
  /// `warn` may be empty.
  Tracer(http::Destination to, std::string version, std::function<void(const std::string&)> warn,
         TracerOptions options = {});
  /// Gives up what is left.
  ~Tracer();
  Tracer(const Tracer&) = delete;

  /// Notes the spans of a request that is over. Never waits.
  void add(const http::Exchange& exchange);
  /// Sends what is left, once; false: not all of it was taken until the deadline. Nothing is noted any more.
  bool finish(std::chrono::steady_clock::time_point deadline);
  int64_t num_sent() const { return sent_; }
  int64_t num_dropped() const { return dropped_; }

 private:
  using Clock = std::chrono::steady_clock;
  void loop();
  std::vector<Span> next_batch();
  void send(const std::vector<Span>& batch);
  bool post(const std::vector<Span>& batch);
  void tell(const std::string& why);

  const http::Destination to_;
  const std::string version_;
  const std::function<void(const std::string&)> warn_;
  const TracerOptions options_;
  std::atomic<int64_t> sent_{0}, dropped_{0};
  bool told_ = false;  // the thread's own
  std::stop_source stop_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Span> waiting_;
  bool finishing_ = false, idle_ = false;
  Clock::time_point deadline_;  // of all that is sent once it is finishing
  std::thread thread_;
};

}  // namespace maru::api
