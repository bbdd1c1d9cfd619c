// Activations on their way into the records that tiles read. Include after a tile_*.h.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

MARU_INLINE F32 load_some(const auto* p, int64_t n) { return n >= kLanes ? load(p) : load(p, larger(n, 0)); }

// What the values of a chunk are divided by and multiplied with. Zero for values that are as good as zero, NaN where
// one is not finite.
struct ChunkScale {
  float scale, inverse;
};

ChunkScale scale_for(float largest) {
  if (!(largest <= __FLT_MAX__)) return {__builtin_nanf(""), 0};
  if (largest < 0x1p-120f) return {0, 0};
  return {largest / 127.0f, 127.0f / largest};
}

struct Chunk {
  F32 values[kGroupsPerChunk][kGroupVectors];
};

/// The first n values, zeros behind; n may be negative.
template <class T>
MARU_INLINE void load_chunk(Chunk& to, const T* x, int64_t n) {
  for (int64_t g = 0; g < kGroupsPerChunk; ++g)
    for (int64_t i = 0; i < kGroupVectors; ++i) {
      const int64_t at = g * kQuantizedGroup + i * kLanes;
      to.values[g][i] = n >= kQuantizedChunk ? load(x + at) : load_some(x + at, n - at);
    }
}

// What is written for one row of a tile, in the record of one chunk.
struct RowRecord {
  std::byte* chunk;
  int64_t row, rows;  // in the tile
  std::byte* group(int64_t g) const { return chunk + g * rows * kGroupRecord; }
  int8_t* values(int64_t g) const { return reinterpret_cast<int8_t*>(group(g) + row * kQuantizedGroup); }
  void set_start(int64_t g, int32_t start) const {
    __builtin_memcpy(group(g) + rows * kQuantizedGroup + 4 * row, &start, sizeof start);
  }
  void set_scale(float scale) const { __builtin_memcpy(group(kGroupsPerChunk) + 4 * row, &scale, sizeof scale); }
};

template <class T>
void quantize_chunk(RowRecord to, const T* x, int64_t n, int32_t shift) {
  Chunk chunk;
  load_chunk(chunk, x, n);
  F32 top;
  for (const auto& group : chunk.values)
    for (F32 v : group) top = larger_size(top, v);
  const ChunkScale s = scale_for(largest_size(top));
  for (int64_t g = 0; g < kGroupsPerChunk; ++g) {
    for (F32& v : chunk.values[g]) v = s.inverse == 0 ? F32() : v * F32(s.inverse);
    to.set_start(g, -shift * round_group(to.values(g), chunk.values[g]));
  }
  to.set_scale(s.scale);
}

}  // namespace
}  // namespace maru::kernels
