// What every stage works with: a home, this machine's threads and instructions, and who watches. A verb, a job and a
// route each bring their own.
#pragma once
#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "base/watch.h"
#include "catalogue/home.h"
#include "tensor/cpu_device.h"

namespace maru::pipeline {

using catalogue::Kind;

/// Threads and instruction set, taken when they are first asked for. Not thread-safe.
class Machine {
 public:
  /// `threads`: 0: one per core. `isa`: as parse_isa takes it.
  explicit Machine(int threads = 0, std::string isa = "auto") : threads_(threads), isa_(std::move(isa)) {}
  ThreadPool& pool();
  /// Throws   what parse_isa throws.
  Device& device();
  /// "avx512, 2 threads".
  std::string text();
  /// Floating-point operations a second that this machine can do at most, measured now (a fraction of a second).
  double ceiling_flops(Dtype dtype);

 private:
  int threads_;
  std::string isa_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<CpuDevice> device_;
};

/// Copied freely; what it points to outlives the stage.
struct Workplace {
  catalogue::Home home;
  Machine& machine;
  Watch watch;
};

}  // namespace maru::pipeline
