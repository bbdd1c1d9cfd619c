// For tests: a device on the CPU whose memory nobody can read or write but its kernels. Its pages are protected outside
// launches, so that host code that forgot to cross dies at that line. What passes on it, a device with memory of its
// own can be added to.
#pragma once
#include <sys/mman.h>

#include <cstring>
#include <mutex>

#include "base/error.h"
#include "tensor/device.h"

namespace maru {

class ProtectedDevice : public Device {
 public:
  explicit ProtectedDevice(ThreadPool* pool, Isa isa = best_isa()) : Device(CpuStream{pool, isa}, {pool, isa}) {
    void* p = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    memory_ = static_cast<std::byte*>(p);
  }
  ~ProtectedDevice() override { ::munmap(memory_, kBytes); }

  /// Never used again when it is given back, so that a stale pointer is found too.
  std::shared_ptr<std::byte> reserve(size_t bytes) override {
    const std::lock_guard lock(mutex_);
    const size_t whole = (bytes + kPage - 1) / kPage * kPage;
    if (whole > kBytes - used_) throw Failure(ErrorCode::kExhausted, "the test device is full");
    std::byte* at = memory_ + used_;
    used_ += whole;
    ++reservations_;
    if (open_ > 0) protect(PROT_READ | PROT_WRITE);
    return {at, [whole](std::byte* p) { ::madvise(p, whole, MADV_DONTNEED); }};
  }
  size_t memory_bytes() const override { return kBytes; }

  int64_t launches() const { return launches_; }          // and copies
  int64_t reservations() const { return reservations_; }  // so far

 protected:
  bool reads_host_memory() const override { return false; }
  void open() override {
    const std::lock_guard lock(mutex_);
    ++launches_;
    if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void close() override {
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) protect(PROT_NONE);
  }
  void copy_bytes(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }

 private:
  static constexpr size_t kBytes = size_t{64} << 30, kPage = 4096;
  void protect(int how) {
    if (used_ > 0) CHECK(::mprotect(memory_, used_, how) == 0);
  }
  std::mutex mutex_;
  std::byte* memory_;
  size_t used_ = 0;
  int64_t launches_ = 0, reservations_ = 0;
  int open_ = 0;
};

}  // namespace maru
