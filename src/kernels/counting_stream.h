// A second stream type: the CPU's kernels, counted. The proof that what runs on it names no stream type.
#pragma once
#include "base/cpu_stream.h"

namespace maru::kernels {

class CountingStream {
 public:
  explicit CountingStream(const CpuStream& stream) : stream_(stream) {}
  CountingStream(const CountingStream&) = delete;  // or some calls would be counted elsewhere
  /// What a kernel is called with, or asked for its scratch.
  operator CpuStream&() {  // NOLINT: implicit by design
    ++calls_;
    return stream_;
  }
  int64_t calls() const { return calls_; }

 private:
  CpuStream stream_;
  int64_t calls_ = 0;
};

}  // namespace maru::kernels
