#include "tensor/device.h"

#include <cstring>

#include "base/error.h"
#include "tensor/host_buffer.h"

namespace maru {

Tensor Device::tensor(Shape shape, Dtype dtype) {
  auto memory = reserve(static_cast<size_t>(shape.size()) * size_of(dtype));
  std::byte* data = memory.get();
  return Tensor(std::move(memory), data, shape, dtype, tag());
}

Tensor Device::place(const Tensor& host) {
  if (!host || host.device() == tag()) return host;
  CHECK(host.device() == nullptr && "from one device to another");
  const Tensor to = tensor(host.shape(), host.dtype());
  upload(to, host.data<std::byte>());
  return to;
}

void Device::copy(const Tensor& to, const Tensor& from) {
  CHECK(to.device() == tag() && from.device() == tag() && to.bytes() == from.bytes());
  const Opened opened(*this);
  copy_bytes(to.data<std::byte>(), from.data<std::byte>(), to.bytes());
}

void upload(const Tensor& to, const void* from) {
  if (to.device() == nullptr) return void(std::memcpy(to.data<std::byte>(), from, to.bytes()));
  const Device::Opened opened(*to.device());
  to.device()->copy_bytes(to.data<std::byte>(), from, to.bytes());
}

Tensor to_host(const Tensor& t) {
  if (t.device() == nullptr) return t;
  const Tensor to = host_tensor(t.shape(), t.dtype());
  const Device::Opened opened(*t.device());
  t.device()->copy_bytes(to.data<std::byte>(), t.data<std::byte>(), t.bytes());
  return to;
}

Tensor host_tensor(Shape shape, Dtype dtype) {
  auto memory = std::make_shared<HostBuffer>(static_cast<size_t>(shape.size()) * size_of(dtype));
  std::byte* data = memory->data();
  return Tensor(std::move(memory), data, shape, dtype);
}

}  // namespace maru
