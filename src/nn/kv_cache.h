// Keys and values of tokens already computed, in pages of 64 tokens that any sequence may own.
// Who owns which page is the scheduler's business; this class is only the memory.
#pragma once
#include <cstdint>

#include "tensor/device.h"

namespace maru {

struct KvCacheShape {
  int64_t layers = 0, kv_heads = 0, head_dim = 0;
  Dtype dtype = Dtype::kF32;
  bool int8 = false;  // kept in 8 bits, with a scale for each token and head
  /// Bytes of one page over all layers.
  size_t page_bytes() const;
};

class KvCache {
 public:
  /// Throws kExhausted when the device has not that much memory.
  KvCache(Device& device, const KvCacheShape& shape, int64_t num_pages);
  /// Where a layer's part of page 0 begins, on the device; that of the next page lies shape().page_bytes() behind.
  std::byte* layer(int64_t layer) const;
  int64_t num_pages() const { return num_pages_; }
  const KvCacheShape& shape() const { return shape_; }

 private:
  KvCacheShape shape_;
  int64_t num_pages_;
  size_t layer_bytes_;
  std::shared_ptr<std::byte> memory_;
};

}  // namespace maru
