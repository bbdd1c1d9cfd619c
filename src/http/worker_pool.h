// Threads for work that may take its time: reading a body, rendering, encoding. Bounded: when as many jobs wait as may,
// the next is refused at once.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/long_wait.h"

namespace maru::http {

/// Thread-safe. A job that waits for long (base/long_wait.h) leaves its place to another meanwhile, for which there may
/// be a thread more until there is nothing for it to do.
class WorkerPool : public LongWait::Pool {
 public:
  class Job {
   public:
    virtual ~Job() = default;
    virtual void run() = 0;  // must not throw
  };

  WorkerPool(int64_t threads, int64_t max_waiting);
  /// Drops what waits and lets what runs finish.
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;

  /// False when too many jobs wait already.
  bool try_push(std::shared_ptr<Job> job);
  /// For what remains to be done of a job that was admitted before: never refused, and done first.
  void push(std::shared_ptr<Job> job);
  /// Nobody waits for it any more: takes it out if it has not begun, and says so.
  bool remove(const Job* job);
  int64_t waiting() const;

 private:
  static constexpr size_t kMaxSubstitutes = 16;
  using Threads = std::list<std::thread>;
  void begin_wait() override;
  void end_wait() override;
  void start_thread();
  void loop(Threads::iterator self);
  std::shared_ptr<Job> next();
  bool end_surplus(Threads::iterator self);

  const size_t max_running_, max_waiting_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ready_;
  std::deque<std::shared_ptr<Job>> waiting_, finishing_;
  bool stopping_ = false;
  size_t running_ = 0, idle_ = 0;  // jobs that do not wait for long; threads without a job
  Threads threads_, ended_;        // ended: to be joined
};

}  // namespace maru::http
