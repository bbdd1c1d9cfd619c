// Rows that are quantized already become a panel. A quad is one 4-byte word of each of the 16 rows, so 16 words of the
// 16 rows are transposed at a time: two groups. Scales and offsets are words too. Include after a tile_*.h.
#pragma once
#include "kernels/quantized_matmul/records.h"
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

constexpr int64_t kSide = kQuantizedPanel;

struct Square {
  alignas(64) Word words[kSide * kSide];
};

/// Up to 64 bytes of up to 16 rows, zeros where there are none.
MARU_INLINE void gather(Square& to, const void* from, int64_t row_bytes, int64_t rows, int64_t bytes) {
  constexpr int64_t kFull = kSide * static_cast<int64_t>(sizeof(Word));
  const auto* bytes_from = static_cast<const std::byte*>(from);
  if (rows < kSide || bytes < kFull) __builtin_memset(&to, 0, sizeof to);
  for (int64_t r = 0; r < rows; ++r) {
    if (bytes >= kFull)
      __builtin_memcpy(to.words + r * kSide, bytes_from + r * row_bytes, kFull);
    else
      __builtin_memcpy(to.words + r * kSide, bytes_from + r * row_bytes, static_cast<size_t>(bytes));
  }
}

MARU_INLINE void transpose(Square& to, const Square& from) {
  for (int64_t r = 0; r < kSide; r += kLanes)
    for (int64_t j = 0; j < kSide; j += kLanes) {
      Words x[kLanes];
#pragma GCC unroll 16
      for (int64_t i = 0; i < kLanes; ++i) x[i] = load_words(from.words + (r + i) * kSide + j);
      transpose(x);
#pragma GCC unroll 16
      for (int64_t i = 0; i < kLanes; ++i) store_words(to.words + (j + i) * kSide + r, x[i]);
    }
}

// Adding 128 to a byte, or 8 to a nibble, turns its top bit.
MARU_INLINE void store_group(std::byte* quads, QuantizedKind kind, const Word* words) {
  Word stored[8 * kSide];
  if (kind == QuantizedKind::kInt8) {
    for (int64_t i = 0; i < 8 * kSide; ++i) stored[i] = words[i] ^ 0x80808080u;
  } else {
    for (int64_t i = 0; i < 4 * kSide; ++i) {
      const Word low = (words[i] ^ 0x08080808u) & 0x0f0f0f0fu,
                 high = (words[i + 4 * kSide] ^ 0x08080808u) & 0x0f0f0f0fu;
      stored[i] = low | high << 4;
    }
  }
  __builtin_memcpy(quads, stored, static_cast<size_t>(quantized_group_bytes(kind)));
}

void pack_quads(const PackQuantizedPanel& a) {
  const int64_t groups = quantized_groups(a.k);
  Square rows, quads;
  for (int64_t g = 0; g < groups; g += 2) {
    const int64_t first = g * kQuantizedGroup;
    gather(rows, a.q + first, a.k, a.rows, smaller(2 * kQuantizedGroup, a.k - first));
    transpose(quads, rows);
    std::byte* to = a.quads + g * quantized_group_bytes(a.kind);
    store_group(to, a.kind, quads.words);
    if (g + 1 < groups) store_group(to + quantized_group_bytes(a.kind), a.kind, quads.words + 8 * kSide);
  }
}

/// [rows, groups] f32 to [groups, 16] f16.
void pack_factors(float16* to, const float* from, int64_t rows, int64_t groups) {
  constexpr int64_t kBytes = static_cast<int64_t>(sizeof(float));
  Square square, turned;
  for (int64_t g = 0; g < groups; g += kSide) {
    const int64_t count = smaller(kSide, groups - g);
    gather(square, from + g, groups * kBytes, rows, count * kBytes);
    transpose(turned, square);
    for (int64_t i = 0; i < count * kSide; i += kLanes) {
      float values[kLanes];
      __builtin_memcpy(values, turned.words + i, sizeof values);
      store_halves(to + g * kSide + i, load(values));
    }
  }
}

void pack_panel(const PackQuantizedPanel& a) {
  pack_quads(a);
  pack_factors(a.scales, a.from_scales, a.rows, quantized_groups(a.k));
  if (a.offsets != nullptr) pack_factors(a.offsets, a.from_offsets, a.rows, quantized_groups(a.k));
}

}  // namespace
}  // namespace maru::kernels
