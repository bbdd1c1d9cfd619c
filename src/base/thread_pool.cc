#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace maru {
namespace {

// How long a worker spins for the next job before it sleeps: longer than the gap between two ops of a step.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

// A worker takes a task by counting `left` down, and only then looks at the job: which cannot end before that task has.
// So the caller waits for tasks that are being run, never for a worker that was late or is asleep.
struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::atomic<int64_t> left{0};  // tasks that nobody has taken; below zero: as many looked in vain
  std::atomic<int64_t> done{0};
  int64_t tasks = 0;  // of the job; like `job` written while nothing is left
  const TaskRef* job = nullptr;
  std::mutex mutex;  // for sleeping workers
  std::condition_variable wake;
  std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};
  std::mutex error_mutex;
  std::exception_ptr error;

  void work(int worker) {
    for (int64_t taken; (taken = left.fetch_sub(1, std::memory_order_acq_rel)) > 0;) {
      try {
        (*job)(tasks - taken, worker);
      } catch (...) {
        std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
      done.fetch_add(1, std::memory_order_release);
    }
  }

  bool called() const { return left.load() > 0 || stop.load(); }

  bool wait_for_job() {
    for (int i = 0; i < kSpins && !called(); ++i) pause();
    if (!called()) {
      std::unique_lock lock(mutex);
      ++sleepers;  // before the last look at `left`: the caller looks at the two in the other order
      wake.wait(lock, [this] { return called(); });
      --sleepers;
    }
    return !stop;
  }

  void wake_sleepers() {
    if (sleepers.load() == 0) return;
    { std::lock_guard lock(mutex); }  // one that counted itself is waiting by now, or has seen the call
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = usable_cores();
  for (int i = 1; i < threads; ++i)
    state_->workers.emplace_back([s = state_.get(), i] {
      while (s->wait_for_job()) s->work(i);
    });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  for (std::thread& t : state_->workers) t.join();
}

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t tasks, TaskRef f) {
  State& s = *state_;
  if (tasks <= 0) return;
  if (s.workers.empty() || tasks == 1) {
    for (int64_t i = 0; i < tasks; ++i) f(i, 0);
    return;
  }
  s.tasks = tasks;
  s.job = &f;
  s.done.store(0, std::memory_order_relaxed);
  s.left.store(tasks);
  s.wake_sleepers();
  s.work(0);
  // Where threads outnumber free cores, the worker that is waited for may need this one's core.
  for (int i = 0; s.done.load(std::memory_order_acquire) < tasks; ++i) i < kSpins ? pause() : std::this_thread::yield();
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
}

}  // namespace maru
