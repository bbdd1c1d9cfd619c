#include "http/worker_pool.h"

#include <utility>

namespace maru::http {

WorkerPool::WorkerPool(int64_t threads, int64_t max_waiting) : max_waiting_(static_cast<size_t>(max_waiting)) {
  for (int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
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
  for (std::thread& thread : threads_) thread.join();
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

void WorkerPool::remove(const Job* job) {
  std::shared_ptr<Job> removed;  // destroyed without the lock
  std::lock_guard lock(mutex_);
  for (auto* jobs : {&waiting_, &finishing_})
    for (auto it = jobs->begin(); it != jobs->end(); ++it)
      if (it->get() == job) {
        removed = std::move(*it);
        jobs->erase(it);
        return;
      }
}

int64_t WorkerPool::waiting() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(waiting_.size() + finishing_.size());
}

std::shared_ptr<WorkerPool::Job> WorkerPool::next() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !finishing_.empty(); });
  if (stopping_) return nullptr;
  auto& jobs = finishing_.empty() ? waiting_ : finishing_;
  std::shared_ptr<Job> job = std::move(jobs.front());
  jobs.pop_front();
  return job;
}

void WorkerPool::loop() {
  while (const std::shared_ptr<Job> job = next()) job->run();
}

}  // namespace maru::http
