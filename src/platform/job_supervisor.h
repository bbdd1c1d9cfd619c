// Runs the jobs of a home: starts those whose turn it is, looks after their workers, says what became of them.
//
// One thread. Of several processes with one home, one does it: who holds the lock; the others look on and take over
// when it ends. A state goes to the database before what it says is done, so that whoever takes over finds either
// nothing done yet or a worker, and knows which: the worker, or who starts it, holds the lock on the job's directory.
// Workers do not mind who looks after them: they go on when this ends, and are found again.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_lock.h"
#include "platform/job_schedule.h"
#include "platform/job_store.h"
#include "platform/jobs_config.h"
#include "platform/worker_process.h"

namespace maru::platform {

struct SupervisorOptions {
  WorkerCommand command;
  JobsConfig config;
  JobCapacity capacity;
  std::vector<int> cores = {};  // that workers may run on; empty: any
  std::function<void(const std::string&)> warn = {};
};

class JobSupervisor {
 public:
  /// The store must outlive it.
  JobSupervisor(JobStore& store, SupervisorOptions options);
  ~JobSupervisor();
  JobSupervisor(const JobSupervisor&) = delete;
  /// Whether it is this one that runs the jobs of the home.
  bool holds_lock() const { return holds_lock_; }

 private:
  using Clock = std::chrono::steady_clock;
  /// What is known of the worker of an attempt, beside what the database says.
  struct Watched {
    int64_t attempt = 0;
    int64_t child = 0;  // its id where this process started it; 0: another did
    int pidfd = -1;     // -1: it has none
    bool term_sent = false, kill_sent = false;
    Clock::time_point term_at, sign_at, exit_at;  // exit_at: its record was seen while it lived
    bool exit_seen = false;
    int64_t beat = -1, cpu_ticks = 0;
    double core_seconds = 0;
    std::string killed_for;  // empty: it was not
  };
  void loop();
  bool take_lock();
  std::chrono::milliseconds tick();
  void wait(std::chrono::milliseconds most, bool for_workers);
  void wake() const;

  void schedule(const std::vector<Job>& jobs, double seconds);
  void start(const Job& job);
  bool start_worker_of(const Job& job, int64_t attempt, const WorkerLock& lock);
  void look_after(const Job& job);
  void without_worker(const Job& job, const std::optional<Attempt>& last);
  std::optional<ProcessIdentity> worker_of(const Job& job, Attempt& attempt);
  bool runs(const Job& job, const Attempt& attempt, const Watched& watched) const;
  void urge(const Job& job, const ProcessIdentity& worker, Watched& watched) const;
  bool shows_life(const Job& job, const ProcessIdentity& worker, Watched& watched) const;
  void kill(const ProcessIdentity& worker, Watched& watched, std::string why) const;
  void conclude(const Job& job, const Attempt& attempt, Watched& watched);
  JobStore::Ending judge(const Job& job, const Attempt& attempt, const Watched& watched,
                         const std::optional<std::string>& end);
  int64_t losses_of(const Job& job);
  void forget(const std::string& id);
  ScheduledJob scheduled(const Job& job) const;
  void warn(const std::string& message);

  JobStore& store_;
  const SupervisorOptions options_;
  int event_ = -1;  // eventfd: something has changed
  std::optional<FileLock> lock_;
  std::atomic<bool> holds_lock_{false}, stopping_{false};
  JobSchedule schedule_;
  std::map<std::string, Watched> watched_;             // by job
  std::map<std::string, Clock::time_point> restarts_;  // when a job's next attempt is due
  bool again_ = false;                                 // something ended: whoever waits may be next
  std::string warned_;
  Clock::time_point last_tick_ = Clock::now();
  std::thread thread_;  // last: it uses the others
};

}  // namespace maru::platform
