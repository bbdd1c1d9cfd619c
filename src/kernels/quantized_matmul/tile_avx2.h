// A tile of up to 4 rows x 16 outputs with AVX2: all at a time, so that an activation that was spread over a register
// meets two of weights. `vpmaddubsw` adds pairs of products in 16 bits:
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

/// Keeps the compiler from adding in another order, for which it would hold all products in memory.
MARU_INLINE void settle(__m256i& sum) { asm("" : "+x"(sum)); }

constexpr int kVectors = kQuantizedPanel / kLanes;

/// dot[row][v] += the group's products, of 8 outputs in each vector.
template <QuantizedKind kKind, int kRows>
MARU_INLINE void add_products(__m256i (&dot)[kRows][kVectors], GroupRecord<kRows> x, const std::byte* quads) {
  if constexpr (kKind == QuantizedKind::kInt8) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __m256i q[kVectors], size[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        q[v] = _mm256_xor_si256(load_quad(quads + 64 * j + 32 * v), _mm256_set1_epi8(-128));
        size[v] = _mm256_abs_epi8(q[v]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i number = _mm256_set1_epi32(read_int(x.quad(r, j)));
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          dot[r][v] = _mm256_add_epi32(dot[r][v],
                                       pairs_to_words(_mm256_maddubs_epi16(size[v], _mm256_sign_epi8(number, q[v]))));
          settle(dot[r][v]);
        }
      }
    }
  } else {
    __m256i pairs[kRows][kVectors];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) pairs[r][v] = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __m256i w[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        w[v] = load_quad(quads + 64 * (j / 2) + 32 * v);
        if (j % 2 == 1) w[v] = _mm256_srli_epi16(w[v], 4);
        w[v] = _mm256_and_si256(w[v], _mm256_set1_epi8(15));
      }
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i number = _mm256_set1_epi32(read_int(x.quad(r, j / 2 + j % 2 * 4)));
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          pairs[r][v] = _mm256_add_epi16(pairs[r][v], _mm256_maddubs_epi16(w[v], number));
          settle(pairs[r][v]);
        }
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) dot[r][v] = _mm256_add_epi32(dot[r][v], pairs_to_words(pairs[r][v]));
  }
}

/// The sums of 8-bit weights have their signs already: they start from zero.
template <QuantizedKind kKind, int kRows>
MARU_INLINE __m256i first_sum(GroupRecord<kRows> x, int row) {
  return kKind == QuantizedKind::kInt8 ? _mm256_setzero_si256() : _mm256_set1_epi32(x.start(row));
}

/// sums[row][v] += scale · dot (+ offset · Σ x)
template <QuantizedKind kKind, bool kOffsets, int kRows>
MARU_INLINE void add_group(F32 (&sums)[kRows][kVectors], GroupRecord<kRows> x, const PanelData& p, int64_t g) {
  __m256i dot[kRows][kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) dot[r][v] = first_sum<kKind>(x, r);
  add_products<kKind>(dot, x, p.quads + g * quantized_group_bytes(kKind));
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const F32 scale = load_halves(p.scales + g * kQuantizedPanel + v * kLanes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums[r][v] = fma(F32(_mm256_cvtepi32_ps(dot[r][v])), scale, sums[r][v]);
    if constexpr (kOffsets) {
      const F32 offset = load_halves(p.offsets + g * kQuantizedPanel + v * kLanes) * F32(kPerStart<kKind>);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sums[r][v] = fma(F32(static_cast<float>(x.start(r))), offset, sums[r][v]);
    }
  }
}

template <QuantizedKind kKind, bool kOffsets, int kRows, int kPanels>
void multiply_tile(const Tile& t) {
  const std::byte* x = t.x;
  if (!t.resume)
    for (int i = 0; i < kRows * kQuantizedPanel; i += kLanes) store(t.totals + i, F32());
  for (int64_t done = 0; done < t.groups; done += kGroupsPerChunk, x += kRows * kChunkRecord) {
    const ChunkRecord<kRows> chunk{x};
    F32 sums[kRows][kVectors];
    for (int64_t g = 0; g < smaller(kGroupsPerChunk, t.groups - done); ++g) {
      fetch_next<1>(t, done + g);
      add_group<kKind, kOffsets>(sums, chunk.group(g), *t.panels, done + g);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        float* total = t.totals + r * kQuantizedPanel + v * kLanes;
        store(total, fma(F32(chunk.scale(r)), sums[r][v], load(total)));
      }
  }
}

}  // namespace
}  // namespace maru::kernels
