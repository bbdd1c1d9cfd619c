#include "platform/job_supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <set>

#include "base/json.h"
#include "base/system_error.h"
#include "base/temporary.h"
#include "platform/job_files.h"

namespace maru::platform {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdle{1000}, kBusy{500}, kSoon{20};
constexpr milliseconds kUnseen{100};  // the end of a worker has to be looked for
constexpr milliseconds kTrouble{1000}, kLingering{10'000};
constexpr double kLately = 86400;    // work that counts after a restart
constexpr int64_t kSignOfLife = 10;  // ticks of computing
constexpr int kMostDoublings = 5;

std::chrono::duration<double> seconds(double n) { return std::chrono::duration<double>(n); }

std::string behind(const std::string& words, const std::string& log) {
  return log.empty() ? words : words + "; its last words: " + log;
}

/// Of a job that was asked to stop.
JobState state_when_stopped(JobState asked) {
  return asked == JobState::kPausing ? JobState::kPaused : JobState::kCancelled;
}

/// What its worker's own words mean for a job.
void judge_record(const Job& job, const ExitRecord& exit, JobStore::Ending& ending) {
  ending.outcome = exit.outcome, ending.reason = exit.message;
  ending.exit_record = to_json(exit).dump(-1, ' ', false, Json::error_handler_t::replace);
  ending.results = Json(exit.results).dump(-1, ' ', false, Json::error_handler_t::replace);
  const bool failed = exit.outcome == "error";
  if (job.state != JobState::kActive) {
    ending.state = failed && job.state == JobState::kPausing ? JobState::kError : state_when_stopped(job.state);
    if (!failed) ending.reason = job.reason;
  } else if (exit.outcome == "cancelled") {
    ending.reason = "the worker was told to stop, by nobody here; it goes on";
  } else {
    ending.state = failed ? JobState::kError : JobState::kCompleted;
  }
}

}  // namespace

JobSupervisor::JobSupervisor(JobStore& store, SupervisorOptions options)
    : store_(store), options_(std::move(options)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw Failure(system_error("eventfd", "create", errno));
  store_.on_change([this] { wake(); });
  thread_ = std::thread([this] { loop(); });
}

JobSupervisor::~JobSupervisor() {
  store_.on_change({});
  stopping_ = true;
  wake();
  thread_.join();
  while (!watched_.empty()) forget(watched_.begin()->first);
  ::close(event_);
}

void JobSupervisor::wake() const {
  const uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
}

void JobSupervisor::warn(const std::string& message) {
  if (message != warned_ && options_.warn) options_.warn(message);
  warned_ = message;
}

void JobSupervisor::loop() {
  while (!stopping_) {
    milliseconds most = kIdle;
    bool well = true;
    try {
      if (lock_ || take_lock()) most = tick();
      if (lock_) warned_.clear();
    } catch (
        const std::exception& failure) {  // a full disk, say: what is done stands in the database, and the rest waits
      warn(std::string("jobs are not looked after for the moment: ") + failure.what());
      most = kTrouble, well = false;
    }
    if (!stopping_) wait(most, well);
  }
}

bool JobSupervisor::take_lock() {
  // Who has no jobs makes no folder for them; whose home cannot be written cannot have any.
  if (!fs::exists(store_.folder() / "platform.db")) return false;
  std::error_code error;
  fs::create_directories(store_.jobs_folder(), error);
  if (std::optional<FileLock> lock = FileLock::try_exclusive(store_.jobs_folder())) lock_.emplace(std::move(*lock));
  if (!lock_) return false;
  holds_lock_ = true;
  remove_leftovers(store_.jobs_folder());
  for (const DoneWork& done : store_.done_since(job_time(kLately)))
    schedule_.charge(done.workspace, done.project, done.core_seconds);
  return true;
}

void JobSupervisor::wait(milliseconds most, bool for_workers) {
  std::vector<pollfd> all{{event_, POLLIN, 0}};
  for (const auto& [id, watched] : watched_) {
    if (!for_workers) break;  // an end that cannot be written down would wake us at once again
    if (watched.pidfd >= 0)
      all.push_back({watched.pidfd, POLLIN, 0});
    else
      most = std::min(most, kUnseen);
  }
  ::poll(all.data(), all.size(), static_cast<int>(most.count()));
  uint64_t count = 0;
  (void)!::read(event_, &count, sizeof count);
}

milliseconds JobSupervisor::tick() {
  const double elapsed = std::chrono::duration<double>(Clock::now() - last_tick_).count();
  last_tick_ = Clock::now();
  again_ = false;
  const std::vector<Job> jobs = store_.unfinished();
  std::set<std::string> with_worker;
  for (const Job& job : jobs) {
    if (stopping_) return kIdle;
    if (!has_worker(job.state)) continue;
    with_worker.insert(job.id);
    look_after(job);
  }
  for (auto it = watched_.begin(); it != watched_.end();) {
    const std::string id = (it++)->first;
    if (!with_worker.contains(id)) forget(id);
  }
  std::erase_if(restarts_, [&](const auto& one) { return !with_worker.contains(one.first); });
  schedule(again_ ? store_.unfinished() : jobs, elapsed);
  if (again_) return milliseconds(0);
  milliseconds most = watched_.empty() ? kIdle : kBusy;
  for (const auto& [id, due] : restarts_)
    most = std::clamp(std::chrono::ceil<milliseconds>(due - Clock::now()), kSoon, most);
  return most;
}

ScheduledJob JobSupervisor::scheduled(const Job& job) const {
  return {job.number, job.workspace, job.project, job.demand};
}

void JobSupervisor::schedule(const std::vector<Job>& jobs, double elapsed) {
  std::vector<ScheduledJob> running, waiting;
  std::map<int64_t, Job> by_number;
  for (const Job& job : jobs) {
    if (has_worker(job.state)) {
      running.push_back(scheduled(job));
      const int64_t cores = job.demand.cores == 0 ? options_.capacity.cores : job.demand.cores;
      const double core_seconds = elapsed * static_cast<double>(std::min(cores, options_.capacity.cores));
      schedule_.charge(job.workspace, job.project, core_seconds);
      if (const auto found = watched_.find(job.id); found != watched_.end()) found->second.core_seconds += core_seconds;
    } else if (is_waiting(job.state)) {
      Job taken = job;
      if (job.state == JobState::kCreated) {
        if (!store_.move(job, JobState::kPending, "")) continue;
        taken.state = JobState::kPending;
      }
      waiting.push_back(scheduled(taken));
      by_number.emplace(taken.number, std::move(taken));
    }
  }
  const SchedulePlan plan = schedule_.plan(running, waiting, options_.capacity);
  for (const int64_t number : plan.start)
    if (!stopping_) start(by_number.at(number));
  for (const auto& [number, reason] : plan.waits)
    if (const Job& job = by_number.at(number); job.reason != reason) store_.explain(job, reason);
}

void JobSupervisor::start(const Job& job) {
  const fs::path directory = store_.directory_of(job.id);
  fs::create_directories(directory);
  if (!fs::exists(directory / kJobFile)) write_file(directory / kJobFile, job.spec);
  const std::optional<WorkerLock> lock = WorkerLock::try_take(directory);
  if (!lock) {
    constexpr const char* kWhy = "waits for an earlier worker of it to end";
    if (job.reason != kWhy) store_.explain(job, kWhy);
    return;
  }
  if (const int64_t attempt = store_.begin_attempt(job, ""); attempt > 0) {
    restarts_.erase(job.id);
    if (!start_worker_of(job, attempt, *lock)) again_ = true;
  }
}

bool JobSupervisor::start_worker_of(const Job& job, int64_t attempt, const WorkerLock& lock) {
  const JobDemand& demand = job.demand;
  const int64_t cores = demand.cores == 0 ? options_.capacity.cores : std::min(demand.cores, options_.capacity.cores);
  const WorkerLimits limits{
      .threads = cores,
      .cores = options_.cores,
      .memory_bytes = demand.memory_limited ? demand.memory_bytes : options_.capacity.memory_bytes,
      .nice = options_.config.nice};
  Watched watched{.attempt = attempt, .sign_at = Clock::now()};
  std::string failure;
  try {
    watched.child = start_worker(options_.command, store_.directory_of(job.id), attempt, limits, lock);
  } catch (const Failure& e) {
    failure = e.what();
  }
  forget(job.id);
  watched_[job.id] = watched;
  if (!failure.empty()) watched_[job.id].killed_for = "could not be started: " + failure;
  if (const auto identity = identity_of(watched.child)) store_.name_worker(job, attempt, *identity);
  return failure.empty();
}

void JobSupervisor::look_after(const Job& job) {
  std::optional<Attempt> last = store_.last_attempt(job);
  if (!last || !last->ended_at.empty()) return without_worker(job, last);
  Watched& watched = watched_[job.id];
  if (watched.attempt != last->number) {  // one that another process started: it is adopted
    forget(job.id);
    watched_[job.id] = {.attempt = last->number, .sign_at = Clock::now()};
  }
  Watched& now = watched_[job.id];
  const std::optional<ProcessIdentity> worker = worker_of(job, *last);
  if (!runs(job, *last, now)) return conclude(job, *last, now);
  if (!worker) return;  // it is about to say who it is
  if (now.pidfd < 0) now.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(worker->pid), 0));
  urge(job, *worker, now);
}

// Between two attempts, or asked to stop there.
void JobSupervisor::without_worker(const Job& job, const std::optional<Attempt>& last) {
  if (job.state == JobState::kCancelling || job.state == JobState::kPausing) {
    again_ |= store_.move(job, job.state == JobState::kPausing ? JobState::kPaused : JobState::kCancelled, job.reason);
    return;
  }
  if (last) {
    const auto [due, is_new] = restarts_.try_emplace(job.id, Clock::now());
    if (!is_new && due->second > Clock::now()) return;
  }
  start(job);
}

std::optional<ProcessIdentity> JobSupervisor::worker_of(const Job& job, Attempt& attempt) {
  if (attempt.worker) return attempt.worker;
  const std::optional<WorkerFile> said = read_worker_file(store_.directory_of(job.id));
  if (!said || said->attempt != attempt.number) return std::nullopt;
  attempt.worker = said->process;
  store_.name_worker(job, attempt.number, said->process);
  return attempt.worker;
}

bool JobSupervisor::runs(const Job& job, const Attempt& attempt, const Watched& watched) const {
  if (watched.child > 0) return !end_of_child(watched.child).has_value();
  if (attempt.worker) return lives(*attempt.worker);
  if (!watched.killed_for.empty()) return false;
  // Nobody knows its process: either there never was one, or it has just been started and holds the lock.
  const fs::path directory = store_.directory_of(job.id);
  return fs::exists(directory) && !WorkerLock::try_take(directory);
}

void JobSupervisor::urge(const Job& job, const ProcessIdentity& worker, Watched& watched) const {
  const auto now = Clock::now();
  if (!watched.exit_seen) {
    const auto exit = read_exit_file(store_.directory_of(job.id));
    watched.exit_seen = exit && exit->attempt == watched.attempt;
    watched.exit_at = now;
  }
  if (watched.exit_seen && now - watched.exit_at > kLingering) return kill(worker, watched, "did not end");
  if (job.state == JobState::kActive) {
    if (!shows_life(job, worker, watched))
      kill(worker, watched,
           fmt::format("showed no sign of work for {:g} s and was killed", options_.config.hang_seconds));
  } else if (!watched.term_sent) {
    watched.term_sent = true, watched.term_at = now;
    signal_group(worker, SIGTERM);
  } else if (now - watched.term_at > seconds(options_.config.grace_seconds)) {
    kill(worker, watched, fmt::format("did not stop within {:g} s and was killed", options_.config.grace_seconds));
  }
}

// By its status, or where the disk is full and it cannot be written, by what it computes.
bool JobSupervisor::shows_life(const Job& job, const ProcessIdentity& worker, Watched& watched) const {
  const auto status = read_status_file(store_.directory_of(job.id));
  const int64_t ticks = cpu_ticks_of(worker);
  const bool beats = status && status->attempt == watched.attempt && status->beat != watched.beat;
  if (beats || ticks - watched.cpu_ticks >= kSignOfLife) {
    if (beats) watched.beat = status->beat;
    watched.cpu_ticks = ticks;
    watched.sign_at = Clock::now();
  }
  const double patience = options_.config.hang_seconds;
  return patience <= 0 || Clock::now() - watched.sign_at <= seconds(patience);
}

void JobSupervisor::kill(const ProcessIdentity& worker, Watched& watched, std::string why) const {
  if (!watched.kill_sent) watched.killed_for = std::move(why);
  watched.kill_sent = true;
  signal_group(worker, SIGKILL);
}

void JobSupervisor::conclude(const Job& job, const Attempt& attempt, Watched& watched) {
  const std::optional<std::string> end = watched.child > 0 ? end_of_child(watched.child) : std::nullopt;
  if (attempt.worker) signal_group(*attempt.worker, SIGKILL);  // whoever it has left behind
  const JobStore::Ending ending = judge(job, attempt, watched, end);
  again_ = true;
  try {
    if (!store_.end_attempt(job, ending)) return forget(job.id);
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::kUnavailable) throw;
    return;  // somebody has asked it to stop meanwhile: judged anew
  }
  if (!ending.state) {
    const double doublings = static_cast<double>(std::clamp<int64_t>(losses_of(job) - 1, 0, kMostDoublings));
    const auto delay = seconds(options_.config.restart_seconds * std::exp2(doublings));
    restarts_[job.id] = Clock::now() + std::chrono::duration_cast<Clock::duration>(delay);
    store_.explain(job, ending.reason);
  }
  if (attempt.worker) remove_unfinished(store_.directory_of(job.id), attempt.worker->pid);
  forget(job.id);
}

int64_t JobSupervisor::losses_of(const Job& job) {
  int64_t losses = 0;
  for (const Attempt& one : store_.attempts(job)) losses += one.outcome == "lost" ? 1 : 0;
  return losses;
}

JobStore::Ending JobSupervisor::judge(const Job& job, const Attempt& attempt, const Watched& watched,
                                      const std::optional<std::string>& end) {
  const fs::path directory = store_.directory_of(job.id);
  JobStore::Ending ending{.attempt = attempt.number, .core_seconds = watched.core_seconds};
  const std::optional<ExitRecord> exit = read_exit_file(directory);
  if (exit && exit->attempt == attempt.number) {
    judge_record(job, *exit, ending);
    return ending;
  }
  ending.outcome = "lost";
  const std::string how = !watched.killed_for.empty() ? watched.killed_for : end ? *end : "ended without a word";
  ending.reason = behind("the worker " + how, last_words(directory / kLogFile));
  if (job.state != JobState::kActive) {
    ending.state = state_when_stopped(job.state);
  } else if (const int64_t losses = losses_of(job) + 1; losses > options_.config.restarts) {
    ending.state = JobState::kError;
    if (losses > 1) ending.reason += fmt::format(" ({} attempts)", losses);
  }
  return ending;
}

void JobSupervisor::forget(const std::string& id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  if (found->second.child > 0) reap_child(found->second.child);
  if (found->second.pidfd >= 0) ::close(found->second.pidfd);
  watched_.erase(found);
}

}  // namespace maru::platform
