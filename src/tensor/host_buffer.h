// Memory of the host: what the CPU device hands out, and what files are turned into before a device takes it.
#pragma once
#include <cstddef>

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

}  // namespace maru
