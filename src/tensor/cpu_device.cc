#include "tensor/cpu_device.h"

#include <cstring>

#include "tensor/host_buffer.h"

namespace maru {

std::shared_ptr<std::byte> CpuDevice::reserve(size_t bytes) {
  auto buffer = std::make_shared<HostBuffer>(bytes);
  std::byte* data = buffer->data();
  return {std::move(buffer), data};
}

size_t CpuDevice::memory_bytes() const { return machine_bytes(); }

void CpuDevice::copy_bytes(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

}  // namespace maru
