// A fork-join pool: parallel_for runs tasks 0 … n-1 on all workers, the caller among them, and returns when all are
// done.
//
// Tasks must not depend on which worker runs them: results are the same bits for every thread count.
// Owned by one thread; parallel_for must not be called from inside a task.
#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>

namespace maru {

/// A callable by reference: no allocation, no ownership.
class TaskRef {
 public:
  template <class F>
  TaskRef(const F& f)  // NOLINT: implicit by design
      : object_(&f),
        call_([](const void* o, int64_t task, int worker) { (*static_cast<const F*>(o))(task, worker); }) {}
  void operator()(int64_t task, int worker) const { call_(object_, task, worker); }

 private:
  const void* object_;
  void (*call_)(const void*, int64_t, int);
};

class ThreadPool {
 public:
  /// `threads` workers in all, the caller included; 0 means one per core this process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  int size() const;
  /// Runs f(task, worker) for every task in [0, tasks); worker in [0, size()). The first exception is rethrown here.
  void parallel_for(int64_t tasks, TaskRef f);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru
