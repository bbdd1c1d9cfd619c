// A tile of up to 16 rows x 16 outputs with AVX-512 VNNI: the group's eight quads of weights stay in registers while
// the rows of x pass, four at a time to hide the latency of `vpdpbusd`.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = 16;

MARU_INLINE void store_int8(int8_t* p, F32 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x.v)));
}

MARU_INLINE F32 load_halves(const float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MARU_INLINE void store_halves(float16* p, F32 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

template <QuantizedKind kKind>
MARU_INLINE void load_quads(__m512i (&w)[8], const std::byte* quads) {
  constexpr int kLoads = kKind == QuantizedKind::kInt8 ? 8 : 4;
#pragma GCC unroll 8
  for (int j = 0; j < kLoads; ++j) w[j] = _mm512_loadu_si512(quads + 64 * j);
  if constexpr (kKind == QuantizedKind::kInt4) {
    const __m512i nibble = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      w[j + 4] = _mm512_and_si512(_mm512_srli_epi16(w[j], 4), nibble);
      w[j] = _mm512_and_si512(w[j], nibble);
    }
  }
}

// Of one group of weights, in registers.
template <bool kOffsets>
struct GroupWeights {
  __m512i quads[8];
  F32 scale, offset;
};

/// sums[row] += scale · dot (+ offset · Σ x), for kCount rows from `first` on.
template <bool kOffsets, int kRows, int kCount>
MARU_INLINE void add_dots(F32* sums, GroupRecord<kRows> x, const GroupWeights<kOffsets>& w, int first) {
  __m512i start[kCount], dot[kCount];
#pragma GCC unroll 4
  for (int r = 0; r < kCount; ++r) start[r] = dot[r] = _mm512_set1_epi32(x.start(first + r));
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j)
#pragma GCC unroll 4
    for (int r = 0; r < kCount; ++r)
      dot[r] = _mm512_dpbusd_epi32(dot[r], w.quads[j], _mm512_set1_epi32(read_int(x.quad(first + r, j))));
#pragma GCC unroll 4
  for (int r = 0; r < kCount; ++r) {
    sums[first + r] = fma(F32(_mm512_cvtepi32_ps(dot[r])), w.scale, sums[first + r]);
    if constexpr (kOffsets) sums[first + r] = fma(F32(_mm512_cvtepi32_ps(start[r])), w.offset, sums[first + r]);
  }
}

// With few rows the weights come from memory. The processor's own prefetching stops at each page; this goes on, across
// panels too, because a task's panels follow each other. Beyond the end of the weights it does nothing.
constexpr int kFewRows = 8;
constexpr int64_t kPrefetchBytes = 4096;

template <int64_t kBytes>
MARU_INLINE void prefetch(const void* p) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < kBytes; i += 64) _mm_prefetch(static_cast<const char*>(p) + i, _MM_HINT_T0);
}

template <QuantizedKind kKind, bool kOffsets>
MARU_INLINE void load_group(GroupWeights<kOffsets>& w, const PanelData& p, int64_t g) {
  load_quads<kKind>(w.quads, p.quads + g * quantized_group_bytes(kKind));
  w.scale = load_halves(p.scales + g * kQuantizedPanel);
  if constexpr (kOffsets) w.offset = load_halves(p.offsets + g * kQuantizedPanel) * F32(kPerStart<kKind>);
}

template <QuantizedKind kKind, bool kOffsets, int kRows>
void multiply_tile(float* totals, const std::byte* x, PanelData panel, int64_t groups) {
  for (int r = 0; r < kRows; ++r) store(totals + r * kQuantizedPanel, F32());
  for (int64_t done = 0; done < groups; done += kGroupsPerChunk, x += kRows * kChunkRecord) {
    const ChunkRecord<kRows> chunk{x};
    F32 sums[kRows];
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, groups - done); ++g) {
      if constexpr (kRows <= kFewRows)
        prefetch<quantized_group_bytes(kKind)>(panel.quads + (done + g) * quantized_group_bytes(kKind) +
                                               kPrefetchBytes);
      GroupWeights<kOffsets> w;
      load_group<kKind>(w, panel, done + g);
#pragma GCC unroll 4
      for (int r = 0; r < kRows / 4 * 4; r += 4) add_dots<kOffsets, kRows, 4>(sums, chunk.group(g), w, r);
      if constexpr (kRows % 4 != 0) add_dots<kOffsets, kRows, kRows % 4>(sums, chunk.group(g), w, kRows / 4 * 4);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      float* total = totals + r * kQuantizedPanel;
      store(total, fma(F32(chunk.scale(r)), sums[r], load(total)));
    }
  }
}

}  // namespace
}  // namespace maru::kernels
