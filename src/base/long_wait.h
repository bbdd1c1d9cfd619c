// Waiting for what takes long, on a thread that others count on.
#pragma once

namespace maru {

/// While it lives, the thread waits: a pool whose threads are few lets another one work in its place.
class LongWait {
 public:
  /// Of a pool; told on the thread itself. Must not throw.
  class Pool {
   public:
    virtual ~Pool() = default;
    virtual void begin_wait() = 0;
    virtual void end_wait() = 0;
  };
  LongWait() : pool_(pool_of_thread()) {
    if (pool_ != nullptr) pool_->begin_wait();
  }
  ~LongWait() {
    if (pool_ != nullptr) pool_->end_wait();
  }
  LongWait(const LongWait&) = delete;
  /// Whose thread this is; null: nobody's.
  static Pool*& pool_of_thread() {
    static thread_local Pool* pool = nullptr;
    return pool;
  }

 private:
  Pool* const pool_;
};

}  // namespace maru
