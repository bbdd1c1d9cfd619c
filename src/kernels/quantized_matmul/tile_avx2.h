// A tile of up to 4 rows x 16 outputs with AVX2, 8 outputs at a time. `vpmaddubsw` adds pairs of products in 16 bits:
// 4-bit weights are small enough for all eight quads (8 · 2 · 15 · 127 < 32,768); 8-bit ones are multiplied as |q| with
// the sign moved to x (2 · 127 · 127 < 32,768) and widened at once.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = 4;

constexpr int kTilePanels = 1;

MARU_INLINE F32 larger_size(F32 a, F32 b) {
  const __m256i size = _mm256_and_si256(_mm256_castps_si256(b.v), _mm256_set1_epi32(0x7fffffff));
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a.v), size));
}
MARU_INLINE float largest_size(F32 x) {
  const __m256i bits = _mm256_castps_si256(x.v);
  __m128i top = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  top = _mm_max_epi32(top, _mm_shuffle_epi32(top, 0x4e));
  return float_of_bits(_mm_cvtsi128_si32(_mm_max_epi32(top, _mm_shuffle_epi32(top, 0xb1))));
}

MARU_INLINE int32_t round_group(int8_t* to, const F32 (&x)[4]) {
  __m256i q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) q[i] = _mm256_cvtps_epi32(x[i].v);
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);  // packing goes by halves
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, order));
  const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(q[0], q[1]), _mm256_add_epi32(q[2], q[3]));
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

MARU_INLINE F32 load_halves(const float16* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MARU_INLINE void store_halves(float16* p, F32 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

MARU_INLINE __m256i load_quad(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
MARU_INLINE __m256i pairs_to_words(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }

/// dot[row] += the group's products, for 8 of the panel's outputs: `quads` points at theirs in the first quad.
template <QuantizedKind kKind, int kRows>
MARU_INLINE void add_products(__m256i (&dot)[kRows], GroupRecord<kRows> x, const std::byte* quads) {
  if constexpr (kKind == QuantizedKind::kInt8) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      const __m256i q = _mm256_xor_si256(load_quad(quads + 64 * j), _mm256_set1_epi8(-128)), size = _mm256_abs_epi8(q);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i signed_x = _mm256_sign_epi8(_mm256_set1_epi32(read_int(x.quad(r, j))), q);
        dot[r] = _mm256_add_epi32(dot[r], pairs_to_words(_mm256_maddubs_epi16(size, signed_x)));
      }
    }
  } else {
    __m256i pairs[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) pairs[r] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m256i both = load_quad(quads + 64 * j), nibble = _mm256_set1_epi8(15);
      const __m256i low = _mm256_and_si256(both, nibble), high = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i a = _mm256_maddubs_epi16(low, _mm256_set1_epi32(read_int(x.quad(r, j))));
        const __m256i b = _mm256_maddubs_epi16(high, _mm256_set1_epi32(read_int(x.quad(r, j + 4))));
        pairs[r] = _mm256_add_epi16(pairs[r], _mm256_add_epi16(a, b));
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) dot[r] = _mm256_add_epi32(dot[r], pairs_to_words(pairs[r]));
  }
}

/// The sums of 8-bit weights have their signs already: they start from zero.
template <QuantizedKind kKind, int kRows>
MARU_INLINE __m256i first_sum(GroupRecord<kRows> x, int row) {
  return kKind == QuantizedKind::kInt8 ? _mm256_setzero_si256() : _mm256_set1_epi32(x.start(row));
}

/// sums[row] += scale · dot (+ offset · Σ x), for 8 of the panel's outputs from `lane` on.
template <QuantizedKind kKind, bool kOffsets, int kRows>
MARU_INLINE void add_group(F32 (&sums)[kRows], GroupRecord<kRows> x, const PanelData& p, int64_t g, int lane) {
  __m256i dot[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) dot[r] = first_sum<kKind>(x, r);
  add_products<kKind>(dot, x, p.quads + g * quantized_group_bytes(kKind) + 4 * lane);
  const F32 scale = load_halves(p.scales + g * kQuantizedPanel + lane);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) sums[r] = fma(F32(_mm256_cvtepi32_ps(dot[r])), scale, sums[r]);
  if constexpr (kOffsets) {
    const F32 offset = load_halves(p.offsets + g * kQuantizedPanel + lane) * F32(kPerStart<kKind>);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums[r] = fma(F32(static_cast<float>(x.start(r))), offset, sums[r]);
  }
}

template <QuantizedKind kKind, bool kOffsets, int kRows>
void multiply_half(const Tile& t, int lane) {
  const std::byte* x = t.x;
  if (!t.resume)
    for (int r = 0; r < kRows; ++r) store(t.totals + r * kQuantizedPanel + lane, F32());
  for (int64_t done = 0; done < t.groups; done += kGroupsPerChunk, x += kRows * kChunkRecord) {
    const ChunkRecord<kRows> chunk{x};
    F32 sums[kRows];
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, t.groups - done); ++g) {
      if (lane == 0) fetch_next<1>(t, done + g);
      add_group<kKind, kOffsets>(sums, chunk.group(g), *t.panels, done + g, lane);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      float* total = t.totals + r * kQuantizedPanel + lane;
      store(total, fma(F32(chunk.scale(r)), sums[r], load(total)));
    }
  }
}

template <QuantizedKind kKind, bool kOffsets, int kRows, int kPanels>
void multiply_tile(const Tile& t) {
  multiply_half<kKind, kOffsets, kRows>(t, 0);
  multiply_half<kKind, kOffsets, kRows>(t, 8);
}

}  // namespace
}  // namespace maru::kernels
