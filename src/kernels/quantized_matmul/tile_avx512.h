// A tile of up to 6 rows x 2 panels (32 outputs) with AVX-512 VNNI. The sums of a group and those of its chunk, 12
// each, stay in registers; a quad of each panel and four bytes of a row, for both panels, pass by them. So a core that
// does two `vpdpbusd` and two loads per cycle waits for neither loads nor latency.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = 6;
constexpr int kTilePanels = 2;

MARU_INLINE F32 larger_size(F32 a, F32 b) {
  const __m512i size = _mm512_and_si512(_mm512_castps_si512(b.v), _mm512_set1_epi32(0x7fffffff));
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a.v), size));
}
MARU_INLINE float largest_size(F32 x) { return float_of_bits(_mm512_reduce_max_epi32(_mm512_castps_si512(x.v))); }

MARU_INLINE int32_t round_group(int8_t* to, const F32 (&x)[2]) {
  const __m512i low = _mm512_cvtps_epi32(x[0].v), high = _mm512_cvtps_epi32(x[1].v);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(low));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16), _mm512_cvtepi32_epi8(high));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
}

MARU_INLINE F32 load_halves(const float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MARU_INLINE void store_halves(float16* p, F32 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

template <QuantizedKind kKind>
MARU_INLINE __m512i load_quad(const std::byte* quads, int j) {
  if constexpr (kKind == QuantizedKind::kInt8) return _mm512_loadu_si512(quads + 64 * j);
  const __m512i both = _mm512_loadu_si512(quads + 64 * (j % 4));
  return _mm512_and_si512(j < 4 ? both : _mm512_srli_epi16(both, 4), _mm512_set1_epi8(15));
}

/// dot[row][panel] += the group's products.
template <QuantizedKind kKind, int kRows, int kPanels>
MARU_INLINE void add_products(__m512i (&dot)[kRows][kPanels], GroupRecord<kRows> x, const PanelData* panels,
                              int64_t g) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const int j = kKind == QuantizedKind::kInt8 ? i : i / 2 + i % 2 * 4;  // the two that share bytes in turn
    __m512i w[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) w[p] = load_quad<kKind>(panels[p].quads + g * quantized_group_bytes(kKind), j);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512i four = _mm512_set1_epi32(read_int(x.quad(r, j)));
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) dot[r][p] = _mm512_dpbusd_epi32(dot[r][p], w[p], four);
    }
  }
}

/// sums[row][panel] += scale · dot (+ offset · Σ x), of group g.
template <QuantizedKind kKind, bool kOffsets, int kRows, int kPanels>
MARU_INLINE void add_group(F32 (&sums)[kRows][kPanels], GroupRecord<kRows> x, const PanelData* panels, int64_t g) {
  __m512i dot[kRows][kPanels];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) dot[r][p] = _mm512_set1_epi32(x.start(r));
  add_products<kKind>(dot, x, panels, g);
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) {
    const F32 scale = load_halves(panels[p].scales + g * kQuantizedPanel);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) sums[r][p] = fma(F32(_mm512_cvtepi32_ps(dot[r][p])), scale, sums[r][p]);
    if constexpr (!kOffsets) continue;
    const F32 offset = load_halves(panels[p].offsets + g * kQuantizedPanel) * F32(kPerStart<kKind>);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) sums[r][p] = fma(F32(static_cast<float>(x.start(r))), offset, sums[r][p]);
  }
}

template <QuantizedKind kKind, bool kOffsets, int kRows, int kPanels>
void multiply_tile(const Tile& t) {
  F32 totals[kRows][kPanels];
  const auto place = [&](int r, int p) { return t.totals + (r * kTilePanels + p) * kQuantizedPanel; };
  if (t.resume)
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) totals[r][p] = load(place(r, p));
  const std::byte* x = t.x;
  for (int64_t done = 0; done < t.groups; done += kGroupsPerChunk, x += kRows * kChunkRecord) {
    const ChunkRecord<kRows> chunk{x};
    F32 sums[kRows][kPanels];
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, t.groups - done); ++g) {
      fetch_next<kPanels>(t, done + g);
      add_group<kKind, kOffsets>(sums, chunk.group(g), t.panels, done + g);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) totals[r][p] = fma(F32(chunk.scale(r)), sums[r][p], totals[r][p]);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) store(place(r, p), totals[r][p]);
}

}  // namespace
}  // namespace maru::kernels
