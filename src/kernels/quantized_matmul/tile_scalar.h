// A tile of one row x 16 outputs in plain C++. The multiply-adds are fused as everywhere else: by the C library where
// the processor has none.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = 1;

constexpr int kTilePanels = 1;

MARU_INLINE int32_t bits_of_size(F32 x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x.v, sizeof bits);
  return bits & 0x7fffffff;
}
MARU_INLINE F32 larger_size(F32 a, F32 b) {
  return F32(float_of_bits(static_cast<int32_t>(larger(bits_of_size(a), bits_of_size(b)))));
}
MARU_INLINE float largest_size(F32 x) { return x.v; }

MARU_INLINE int32_t round_group(int8_t* to, const F32 (&x)[kQuantizedGroup]) {
  int32_t sum = 0;
  for (int64_t i = 0; i < kQuantizedGroup; ++i) sum += to[i] = static_cast<int8_t>(round(x[i]).v);
  return sum;
}
MARU_INLINE F32 load_halves(const float16* p) { return F32(to_float(*p)); }
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

template <QuantizedKind kKind, bool kOffsets, int kRows, int kPanels>
void multiply_tile(const Tile& t) {
  const std::byte* x = t.x;
  if (!t.resume)
    for (int i = 0; i < kQuantizedPanel; ++i) t.totals[i] = 0;
  for (int64_t done = 0; done < t.groups; done += kGroupsPerChunk, x += kChunkRecord) {
    const ChunkRecord<1> chunk{x};
    float sums[kQuantizedPanel] = {};
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, t.groups - done); ++g)
      add_group<kKind, kOffsets>(sums, chunk.group(g), *t.panels, done + g);
    for (int i = 0; i < kQuantizedPanel; ++i) t.totals[i] = __builtin_fmaf(chunk.scale(0), sums[i], t.totals[i]);
  }
}

}  // namespace
}  // namespace maru::kernels
