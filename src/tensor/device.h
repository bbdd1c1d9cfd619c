// Where tensors lie and are computed: memory, and a stream whose kernels work on it. Host code reaches that memory by
// place, upload, copy and to_host alone; everything else that touches it is a kernel, inside a launch.
//
// Streams are dispatched by overload (tensor/stream.h); the rest of a device is virtual, and is asked a few times a
// step. A device is used by one thread at a time unless its class says otherwise.
#pragma once
#include <memory>
#include <utility>
#include <variant>

#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace maru {

class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// Zeroed memory, aligned to a page. Throws kExhausted when the device has not that much. May be called by any
  /// thread.
  virtual std::shared_ptr<std::byte> reserve(size_t bytes) = 0;
  /// Bytes of memory that it has in all.
  virtual size_t memory_bytes() const = 0;

  /// A zeroed tensor with memory of its own.
  Tensor tensor(Shape shape, Dtype dtype);
  /// A tensor of the host's memory as kernels read it: the same where they read the host's, else a copy.
  Tensor place(const Tensor& host);
  /// Both of this device, of one size.
  void copy(const Tensor& to, const Tensor& from);

  /// What to write into Tensor::device: null where kernels work on the host's memory.
  Device* tag() { return reads_host_memory() ? nullptr : this; }
  /// f(stream), whose kernels may touch this device's memory until it returns.
  template <class F>
  decltype(auto) launch(F&& f) {
    const Opened opened(*this);
    return std::visit(std::forward<F>(f), stream_);
  }
  /// f(stream), which touches no memory: sizes of scratch, what is supported.
  template <class F>
  decltype(auto) ask(F&& f) const {
    return std::visit(std::forward<F>(f), stream_);
  }
  /// For algorithms that run on the host: packing, calibration. Never given a device's memory.
  const HostStream& host() const { return host_; }

 protected:
  Device(Stream stream, HostStream host) : stream_(stream), host_(host) {}
  virtual bool reads_host_memory() const = 0;
  /// Around every launch, and around the copies below.
  virtual void open() {}
  virtual void close() {}
  virtual void copy_bytes(void* to, const void* from, size_t bytes) = 0;  // whichever sides they are on
  friend void upload(const Tensor&, const void*);
  friend Tensor to_host(const Tensor&);

 private:
  struct Opened {
    Device& device;
    explicit Opened(Device& d) : device(d) { device.open(); }
    ~Opened() { device.close(); }
    Opened(const Opened&) = delete;
  };
  Stream stream_;
  HostStream host_;
};

/// to.bytes() bytes of the host into a tensor, wherever it lies.
void upload(const Tensor& to, const void* from);
/// A tensor as the host may read it: itself, or a copy of what a device has finished. The only way back.
Tensor to_host(const Tensor&);
/// Zeroed memory of the host.
Tensor host_tensor(Shape shape, Dtype dtype);

}  // namespace maru
