// Quantized activations as the tiles read them. The rows of x are cut into tiles of up to kTileRows; a tile of R rows
// is a run of records, one per chunk of k, so that its memory is read from front to back:
//
//   per group, 4 times   R x 32 signed bytes, then R x int32: what its sums start from, -shift · Σ q
//   then                 R x f32: the scales of the chunk
//
// Weights are stored as q + shift (128 or 8), so sums that start there end as the dot products of signed numbers.
#pragma once
#include "kernels/quantized_matmul/quantized_matmul.h"
#include "kernels/simd/fetch.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

constexpr int64_t kGroupVectors = kQuantizedGroup / kLanes;
constexpr int64_t kGroupsPerChunk = kQuantizedChunk / kQuantizedGroup;
constexpr int64_t kGroupRecord = kQuantizedGroup + 4;                 // bytes per row
constexpr int64_t kChunkRecord = kGroupsPerChunk * kGroupRecord + 4;  // bytes per row

MARU_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
MARU_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
MARU_INLINE constexpr int32_t shift_of(QuantizedKind kind) { return kind == QuantizedKind::kInt8 ? 128 : 8; }

// Also where the processor has no such instruction.
MARU_INLINE F32 fused(F32 a, F32 b, F32 c) {
#if defined(MARU_ISA_AVX512) || defined(MARU_ISA_AVX2)
  return fma(a, b, c);
#else
  return F32(__builtin_fmaf(a.v, b.v, c.v));
#endif
}

/// What a tile reads of a panel of weights, group after group.
struct PanelData {
  const std::byte* quads;
  const float16 *scales, *offsets;  // offsets null: none
};

inline PanelData panel_of(const QuantizedMatrix& w, int64_t panel) {
  const int64_t first = panel * quantized_groups(w.k), at = first * kQuantizedPanel;
  return {w.quads + first * quantized_group_bytes(w.kind), w.scales + at,
          w.offsets != nullptr ? w.offsets + at : nullptr};
}

/// A tile: the rows of x in a run of records, times one panel or kTilePanels of them.
struct Tile {
  float* totals;  // [rows, kTilePanels, 16]
  const std::byte* x;
  const PanelData* panels;
  int64_t groups;
  Fetch fetch;                           // a step per group
  bool resume = false;                   // add to the totals
  const float16* next_scales = nullptr;  // if not null, a line of these is fetched with each group too
};

template <int kPanels>
MARU_INLINE void fetch_next(const Tile& t, int64_t g) {
  t.fetch.into_l1(g);
  if (t.next_scales != nullptr) __builtin_prefetch(t.next_scales + kPanels * kQuantizedPanel * g, 0, 3);
}

// Each instruction set (tile_*.h) has its number of rows and panels, multiply_tile, and for rounding activations
//
//   larger_size(a, b)    the larger of a and |b|, NaN above infinity: sizes are compared as bits
//   largest_size(x)      of all lanes
//   round_group(to, x)   32 values to the nearest bytes, ties to even; returns their sum

// The sum of a group's activations is start · kPerStart. The factor is a power of two, so taking it out of the product
// with the weights' offset changes no bit.
template <QuantizedKind kKind>
constexpr float kPerStart = -1.0f / static_cast<float>(shift_of(kKind));

MARU_INLINE int32_t read_int(const std::byte* p) {
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
MARU_INLINE float float_of_bits(int32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}
MARU_INLINE float read_float(const std::byte* p) {
  float x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

/// The record of one group, for a tile of kRows.
template <int kRows>
struct GroupRecord {
  const std::byte* data;
  MARU_INLINE const std::byte* quad(int row, int j) const { return data + row * kQuantizedGroup + 4 * j; }
  MARU_INLINE int32_t start(int row) const { return read_int(data + kRows * kQuantizedGroup + 4 * row); }
};
template <int kRows>
struct ChunkRecord {
  const std::byte* data;
  MARU_INLINE GroupRecord<kRows> group(int64_t g) const { return {data + g * kRows * kGroupRecord}; }
  MARU_INLINE float scale(int row) const { return read_float(data + kGroupsPerChunk * kRows * kGroupRecord + 4 * row); }
};

}  // namespace
}  // namespace maru::kernels
