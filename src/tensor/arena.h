// Memory of one step: a best-fit allocator over one region.
//
// The same sequence of calls returns the same addresses, so a dry run (no memory behind it) of the same code measures
// the exact peak, and what a step captured stays valid on replay. Owned by one thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace maru {

class Device;

class Arena {
 public:
  /// `capacity` bytes of a device, which must outlive it. Throws kExhausted when the device has not that much.
  Arena(Device& device, size_t capacity);
  /// One that only counts: at() is null, allocation never fails.
  static Arena dry_run();

  /// Returns an offset, a multiple of 64. Throws kExhausted beyond the capacity.
  size_t allocate(size_t bytes);
  void release(size_t offset, size_t bytes);
  std::byte* at(size_t offset) const { return dry_ ? nullptr : memory_.get() + offset; }
  bool dry() const { return dry_; }
  /// Of its tensors, see Tensor::device.
  Device* device() const { return device_; }
  size_t capacity() const { return capacity_; }
  /// The highest end of any allocation so far.
  size_t peak() const { return peak_; }
  /// A hash of every address returned so far: two runs with the same trace touched the same memory.
  uint64_t trace() const { return trace_; }

 private:
  Arena();  // a dry one
  std::shared_ptr<std::byte> memory_;
  Device* device_ = nullptr;
  size_t capacity_, peak_ = 0;
  uint64_t trace_ = 0;
  bool dry_ = false;
  std::map<size_t, size_t> free_;  // offset -> bytes
};

}  // namespace maru
