// A typed two-axis view of memory: [rows, cols], row-major, dense. Copies share the memory and keep it alive.
//
// The memory is the host's or a device's. Only kernels touch a device's, inside Device::launch; everybody else goes
// through Device::place, upload and copy, and to_host (tensor/device.h).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tensor/arena.h"
#include "tensor/dtype.h"

namespace maru {

struct Shape {
  int64_t rows = 0, cols = 0;
  int64_t size() const { return rows * cols; }
  bool operator==(const Shape&) const = default;
};

class Tensor {
 public:
  Tensor() = default;
  /// New memory of an arena, returned to it with the last copy.
  Tensor(Arena& arena, Shape shape, Dtype dtype)
      : Tensor(std::make_shared<Block>(arena, shape.size() * size_of(dtype)), shape, dtype) {}
  /// Memory of somebody else, kept alive by `owner` (which may be null if it outlives the tensor): the host's, or that
  /// of `device`.
  Tensor(std::shared_ptr<const void> owner, void* data, Shape shape, Dtype dtype, Device* device = nullptr)
      : owner_(std::move(owner)), data_(static_cast<std::byte*>(data)), device_(device), shape_(shape), dtype_(dtype) {}

  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(data_);
  }
  const Shape& shape() const { return shape_; }
  int64_t rows() const { return shape_.rows; }
  int64_t cols() const { return shape_.cols; }
  int64_t size() const { return shape_.size(); }
  size_t bytes() const { return static_cast<size_t>(size()) * size_of(dtype_); }
  Dtype dtype() const { return dtype_; }
  explicit operator bool() const { return shape_.size() > 0; }
  /// Whose memory it is; null: the host's, which may be read and written anywhere.
  Device* device() const { return device_; }
  /// Rows [first, first + count) of the same memory.
  Tensor rows_from(int64_t first, int64_t count) const {
    std::byte* at = data_ == nullptr ? nullptr : data_ + static_cast<size_t>(first * cols()) * size_of(dtype_);
    return Tensor(owner_, at, {count, cols()}, dtype_, device_);
  }
  /// Whether another tensor looks at the same memory.
  bool shared() const { return owner_.use_count() > 1; }

  int32_t node = -1;  // place on the tape; -1: not recorded

 private:
  struct Block {
    Arena& arena;
    size_t bytes, offset;
    Block(Arena& a, size_t n) : arena(a), bytes(n), offset(a.allocate(n)) {}
    ~Block() { arena.release(offset, bytes); }
    Block(const Block&) = delete;
  };
  Tensor(std::shared_ptr<Block> block, Shape shape, Dtype dtype)
      : data_(block->arena.at(block->offset)), device_(block->arena.device()), shape_(shape), dtype_(dtype) {
    owner_ = std::move(block);
  }

  std::shared_ptr<const void> owner_;
  std::byte* data_ = nullptr;
  Device* device_ = nullptr;
  Shape shape_;
  Dtype dtype_ = Dtype::kF32;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace maru
