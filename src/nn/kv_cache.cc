#include "nn/kv_cache.h"

#include "ops/attention.h"  // page_bytes

namespace maru {

size_t KvCacheShape::page_bytes() const {
  return static_cast<size_t>(layers) * maru::page_bytes(kv_heads, head_dim, dtype, int8);
}

KvCache::KvCache(Device& device, const KvCacheShape& shape, int64_t num_pages)
    : shape_(shape),
      num_pages_(num_pages),
      layer_bytes_(maru::page_bytes(shape.kv_heads, shape.head_dim, shape.dtype, shape.int8)),
      memory_(device.reserve(shape.page_bytes() * static_cast<size_t>(num_pages))) {}

std::byte* KvCache::layer(int64_t layer) const {
  CHECK(layer >= 0 && layer < shape_.layers);
  return memory_.get() + layer_bytes_ * static_cast<size_t>(layer);
}

}  // namespace maru
