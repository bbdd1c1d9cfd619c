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

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0};  // one per parallel_for; the job below belongs to the newest
  std::atomic<bool> stop{false};
  std::atomic<int64_t> next{0};
  std::atomic<int> running{0};
  int64_t tasks = 0;
  const TaskRef* job = nullptr;
  std::mutex error_mutex;
  std::exception_ptr error;

  void work(int worker) {
    for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
      try {
        (*job)(task, worker);
      } catch (...) {
        std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
    }
  }

  bool wait_for_job(uint64_t seen) {
    for (int i = 0; i < kSpins && generation.load(std::memory_order_acquire) == seen && !stop; ++i) pause();
    if (generation.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stop || generation.load(std::memory_order_acquire) != seen; });
    }
    return !stop;
  }

  void loop(int worker) {
    for (uint64_t seen = 0; wait_for_job(seen);) {
      seen = generation.load(std::memory_order_acquire);
      work(worker);
      running.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = usable_cores();
  for (int i = 1; i < threads; ++i) state_->workers.emplace_back([s = state_.get(), i] { s->loop(i); });
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
  s.next.store(0, std::memory_order_relaxed);
  s.running.store(static_cast<int>(s.workers.size()), std::memory_order_relaxed);
  {
    std::lock_guard lock(s.mutex);  // a worker is either spinning (sees the new generation) or waiting (is notified)
    s.generation.fetch_add(1, std::memory_order_release);
  }
  s.wake.notify_all();
  s.work(0);
  // Where threads outnumber free cores, the worker that is waited for may need this one's core.
  for (int i = 0; s.running.load(std::memory_order_acquire) > 0; ++i) i < kSpins ? pause() : std::this_thread::yield();
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
}

}  // namespace maru
