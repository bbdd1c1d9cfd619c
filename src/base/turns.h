// Taking turns on something that one thread may use at a time, first come, first served.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace maru {

/// Thread-safe. Meant for std::lock_guard: a plain mutex may let one thread have it again and again while others wait.
class Turns {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const uint64_t mine = next_++;
    changed_.wait(lock, [&] { return mine == current_; });
  }
  void unlock() {
    std::lock_guard lock(mutex_);
    ++current_;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ = 0, current_ = 0;
};

}  // namespace maru
