// Waiting for what takes long, on a thread that others count on.
#pragma once

namespace maru {

/// While it lives, the thread waits: the pool whose thread it is lets another one work in its place.
class LongWait {
 public:
  /// Of a pool; told on the thread itself. Must not throw.
  class Pool {
   public:
    virtual ~Pool() = default;
    virtual void begin_wait() = 0;
    virtual void end_wait() = 0;
  };
  /// Null: nobody's thread.
  explicit LongWait(Pool* pool) : pool_(pool) {
    if (pool_ != nullptr) pool_->begin_wait();
  }
  ~LongWait() {
    if (pool_ != nullptr) pool_->end_wait();
  }
  LongWait(const LongWait&) = delete;

 private:
  Pool* const pool_;
};

}  // namespace maru
