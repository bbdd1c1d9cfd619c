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

/// Bytes of memory that this machine has.
size_t machine_bytes();

/// Anonymous memory on huge pages where the system has them; zero at first touch.
class HostBuffer {
 public:
  HostBuffer() = default;
  /// Throws kExhausted when the system has not that much.
  explicit HostBuffer(size_t bytes);
  ~HostBuffer();
  HostBuffer(HostBuffer&& other) noexcept;
  HostBuffer& operator=(HostBuffer&& other) noexcept;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

class Arena {
 public:
  /// An arena of `capacity` bytes.
  explicit Arena(size_t capacity);
  /// One that only counts: at() is null, allocation never fails.
  static Arena dry_run();

  /// Returns an offset, a multiple of 64. Throws kExhausted beyond the capacity.
  size_t allocate(size_t bytes);
  void release(size_t offset, size_t bytes);
  std::byte* at(size_t offset) const { return dry_ ? nullptr : buffer_.data() + offset; }
  bool dry() const { return dry_; }
  size_t capacity() const { return capacity_; }
  /// The highest end of any allocation so far.
  size_t peak() const { return peak_; }
  /// A hash of every address returned so far: two runs with the same trace touched the same memory.
  uint64_t trace() const { return trace_; }

 private:
  Arena(size_t capacity, bool dry);
  HostBuffer buffer_;
  size_t capacity_, peak_ = 0;
  uint64_t trace_ = 0;
  bool dry_;
  std::map<size_t, size_t> free_;  // offset -> bytes
};

}  // namespace maru
