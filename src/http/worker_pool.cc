#include "http/worker_pool.h"

#include <utility>

namespace maru::http {

WorkerPool::WorkerPool(int64_t threads, int64_t max_waiting)
    : max_running_(static_cast<size_t>(threads)), max_waiting_(static_cast<size_t>(max_waiting)) {
  std::lock_guard lock(mutex_);
  for (int64_t i = 0; i < threads; ++i) start_thread();
}

WorkerPool::~WorkerPool() {
  std::deque<std::shared_ptr<Job>> waiting, finishing;  // destroyed without the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(waiting_);
    finishing.swap(finishing_);
  }
  ready_.notify_all();
  // Who still waits for long may want a substitute: not any more, so the list is as long as it will get.
  for (Threads* threads : {&threads_, &ended_})
    for (std::thread& thread : *threads) thread.join();
}

/// With the lock held, which keeps the thread from looking at the list before it is in there.
void WorkerPool::start_thread() {
  const auto self = threads_.emplace(threads_.end());
  *self = std::thread([this, self] { loop(self); });
}

bool WorkerPool::try_push(std::shared_ptr<Job> job) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_) return false;
    if (!stopping_) waiting_.push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

void WorkerPool::push(std::shared_ptr<Job> job) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) finishing_.push_back(std::move(job));
  }
  ready_.notify_one();
}

bool WorkerPool::remove(const Job* job) {
  std::shared_ptr<Job> removed;  // destroyed without the lock
  std::lock_guard lock(mutex_);
  for (auto* jobs : {&waiting_, &finishing_})
    for (auto it = jobs->begin(); it != jobs->end(); ++it)
      if (it->get() == job) {
        removed = std::move(*it);
        jobs->erase(it);
        return true;
      }
  return false;
}

int64_t WorkerPool::waiting() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(waiting_.size() + finishing_.size());
}

void WorkerPool::begin_wait() {
  {
    std::lock_guard lock(mutex_);
    --running_;
    if (idle_ == 0 && !stopping_ && threads_.size() < max_running_ + kMaxSubstitutes) start_thread();
  }
  ready_.notify_one();
}

void WorkerPool::end_wait() {
  std::lock_guard lock(mutex_);
  ++running_;  // for a moment there may be more than usual
}

std::shared_ptr<WorkerPool::Job> WorkerPool::next() {
  std::unique_lock lock(mutex_);
  ++idle_;
  ready_.wait(lock,
              [&] { return stopping_ || (running_ < max_running_ && (!waiting_.empty() || !finishing_.empty())); });
  --idle_;
  if (stopping_) return nullptr;
  auto& jobs = finishing_.empty() ? waiting_ : finishing_;
  std::shared_ptr<Job> job = std::move(jobs.front());
  jobs.pop_front();
  ++running_;
  return job;
}

/// Whether others already wait for as many jobs as may run at once.
bool WorkerPool::end_surplus(Threads::iterator self) {
  Threads before;  // they have ended, and are joined without the lock
  {
    std::lock_guard lock(mutex_);
    if (idle_ < max_running_ || stopping_) return false;
    before.swap(ended_);
    ended_.splice(ended_.end(), threads_, self);
  }
  for (std::thread& thread : before) thread.join();
  return true;
}

void WorkerPool::loop(Threads::iterator self) {
  while (!end_surplus(self)) {
    const std::shared_ptr<Job> job = next();
    if (job == nullptr) return;
    job->run();
    {
      std::lock_guard lock(mutex_);
      --running_;
    }
    ready_.notify_one();
  }
}

}  // namespace maru::http
