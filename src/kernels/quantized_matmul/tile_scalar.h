// A tile of one row x 16 outputs in plain C++. The multiply-adds are fused as everywhere else: by the C library where
// the processor has none.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = 1;

MARU_INLINE void store_int8(int8_t* p, F32 x) { *p = static_cast<int8_t>(x.v); }
MARU_INLINE void store_halves(float16* p, F32 x) { *p = to_float16(x.v); }

template <QuantizedKind kKind>
MARU_INLINE int32_t stored_weight(const std::byte* quads, int output, int element) {
  const int j = element / 4, at = 4 * output + element % 4;
  if constexpr (kKind == QuantizedKind::kInt8) return static_cast<int32_t>(quads[64 * j + at]);
  const auto both = static_cast<int32_t>(quads[64 * (j % 4) + at]);
  return j < 4 ? both & 15 : both >> 4;
}

template <QuantizedKind kKind>
MARU_INLINE int32_t dot(GroupRecord<1> x, const std::byte* quads, int output) {
  int32_t sum = x.start(0);
  for (int e = 0; e < kQuantizedGroup; ++e)
    sum += stored_weight<kKind>(quads, output, e) * static_cast<int8_t>(x.data[e]);
  return sum;
}

/// sums[output] += scale · dot (+ offset · Σ x).
template <QuantizedKind kKind, bool kOffsets>
MARU_INLINE void add_group(float (&sums)[kQuantizedPanel], GroupRecord<1> x, const PanelData& p, int64_t g) {
  const auto start = static_cast<float>(x.start(0));
  for (int i = 0; i < kQuantizedPanel; ++i) {
    const auto product = static_cast<float>(dot<kKind>(x, p.quads + g * quantized_group_bytes(kKind), i));
    sums[i] = __builtin_fmaf(product, to_float(p.scales[g * kQuantizedPanel + i]), sums[i]);
    if constexpr (kOffsets)
      sums[i] = __builtin_fmaf(start, to_float(p.offsets[g * kQuantizedPanel + i]) * kPerStart<kKind>, sums[i]);
  }
}

template <QuantizedKind kKind, bool kOffsets, int kRows>
void multiply_tile(float* totals, const std::byte* x, PanelData panel, int64_t groups) {
  for (int i = 0; i < kQuantizedPanel; ++i) totals[i] = 0;
  for (int64_t done = 0; done < groups; done += kGroupsPerChunk, x += kChunkRecord) {
    const ChunkRecord<1> chunk{x};
    float sums[kQuantizedPanel] = {};
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, groups - done); ++g)
      add_group<kKind, kOffsets>(sums, chunk.group(g), panel, done + g);
    for (int i = 0; i < kQuantizedPanel; ++i) totals[i] = __builtin_fmaf(chunk.scale(0), sums[i], totals[i]);
  }
}

}  // namespace
}  // namespace maru::kernels
