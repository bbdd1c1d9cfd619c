// The CPU as a device: its memory is the host's, so nothing is ever copied to or from it.
#pragma once
#include "tensor/device.h"

namespace maru {

class CpuDevice : public Device {
 public:
  /// The pool must outlive it. Devices over one pool take turns (base/turns.h).
  explicit CpuDevice(ThreadPool* pool, Isa isa = best_isa()) : Device(CpuStream{pool, isa}, {pool, isa}) {}
  std::shared_ptr<std::byte> reserve(size_t bytes) override;
  size_t memory_bytes() const override;

 protected:
  bool reads_host_memory() const override { return true; }
  void copy_bytes(void* to, const void* from, size_t bytes) override;
};

}  // namespace maru
