// One row of x times rows of blocks, where they lie: each row's products with a group are added up along k, which is
// what its block holds side by side, and the sums of kLanes rows are then brought into one register. Sums of integers
// are exact in any order, so the bits are those of the tiles. Include after a tile_*.h.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

constexpr int64_t kScaleBytes = static_cast<int64_t>(sizeof(float16));

/// Rows of blocks, from a group on.
struct BlockRows {
  const std::byte* data;
  int64_t stride;
  MARU_INLINE const std::byte* row(int64_t r) const { return data + r * stride; }
  MARU_INLINE const std::byte* numbers(int64_t r) const { return row(r) + kScaleBytes; }
};

inline BlockRows block_rows_of(const QuantizedMatrix& w, int64_t row) {
  const int64_t bytes = quantized_groups(w.k) * quantized_block_bytes(w.kind);
  return {w.quads + row * bytes, bytes};
}

#if defined(MARU_ISA_AVX512) || defined(MARU_ISA_AVX2)
MARU_INLINE __m128i load_16(const std::byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
#endif

#if defined(MARU_ISA_AVX512)

MARU_INLINE __m256i load_32(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

/// The numbers of two rows as they are multiplied: without sign.
template <QuantizedKind kKind>
MARU_INLINE __m512i two_rows(const std::byte* low, const std::byte* high) {
  if constexpr (kKind == QuantizedKind::kInt8) {
    const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(load_32(low)), load_32(high), 1);
    return _mm512_xor_si512(q, _mm512_set1_epi8(-128));
  } else {
    const __m512i both = _mm512_mask_broadcast_i32x4(_mm512_broadcast_i32x4(load_16(low)), 0xff00, load_16(high));
    const __m512i places = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return _mm512_and_si512(_mm512_srlv_epi64(both, places), _mm512_set1_epi8(15));
  }
}

/// The products of a group with 16 rows, added up: start + Σ x · (q + shift).
template <QuantizedKind kKind>
MARU_INLINE F32 block_dots(const std::byte* x, int32_t start, BlockRows w) {
  const __m512i numbers = _mm512_broadcast_i64x4(load_32(x));
  __m512i fours[2];  // lanes of 128 bits: rows 0 to 3 and 0 to 3 again, 4 to 7 twice; rows 8 to 15
#pragma GCC unroll 2
  for (int64_t i = 0; i < 2; ++i) {
    __m512i r[4];
#pragma GCC unroll 4
    for (int64_t j = 0; j < 4; ++j)
      r[j] = _mm512_dpbusd_epi32(_mm512_setzero_si512(),
                                 two_rows<kKind>(w.numbers(8 * i + j), w.numbers(8 * i + 4 + j)), numbers);
    const __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(r[0], r[1]), _mm512_unpackhi_epi32(r[0], r[1]));
    const __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(r[2], r[3]), _mm512_unpackhi_epi32(r[2], r[3]));
    fours[i] = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  }
  const __m512i even = _mm512_shuffle_i32x4(fours[0], fours[1], 0x88),
                odd = _mm512_shuffle_i32x4(fours[0], fours[1], 0xdd);
  return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_set1_epi32(start), _mm512_add_epi32(even, odd)));
}

#elif defined(MARU_ISA_AVX2)

/// Sums of 32 bits of 8-bit weights; of 4-bit ones so small that a row's sixteen fit 16 bits.
template <QuantizedKind kKind>
MARU_INLINE __m256i add_sums(__m256i a, __m256i b) {
  return kKind == QuantizedKind::kInt8 ? _mm256_add_epi32(a, b) : _mm256_add_epi16(a, b);
}

/// In each half, the sums of r[i]'s half in 32-bit lane i.
template <QuantizedKind kKind>
MARU_INLINE __m256i add_up_four(const __m256i* r) {
  const __m256i a = add_sums<kKind>(_mm256_unpacklo_epi32(r[0], r[1]), _mm256_unpackhi_epi32(r[0], r[1]));
  const __m256i b = add_sums<kKind>(_mm256_unpacklo_epi32(r[2], r[3]), _mm256_unpackhi_epi32(r[2], r[3]));
  return add_sums<kKind>(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

/// The products of a group with 8 rows, added up: Σ x · q of 8-bit weights, start + Σ x · (q + shift) of 4-bit ones.
template <QuantizedKind kKind>
MARU_INLINE F32 block_dots(const std::byte* x, int32_t start, BlockRows w) {
  if constexpr (kKind == QuantizedKind::kInt8) {
    const __m256i numbers = load_quad(x);
    __m256i products[8];
#pragma GCC unroll 8
    for (int64_t r = 0; r < 8; ++r) {
      const __m256i q = load_quad(w.numbers(r));
      products[r] = pairs_to_words(_mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(numbers, q)));
    }
    const __m256i first = add_up_four<kKind>(products), last = add_up_four<kKind>(products + 4);
    return _mm256_cvtepi32_ps(
        _mm256_add_epi32(_mm256_blend_epi32(first, last, 0xf0), _mm256_permute2x128_si256(first, last, 0x21)));
  } else {
    const __m256i first = _mm256_broadcastsi128_si256(load_16(x)),
                  second = _mm256_broadcastsi128_si256(load_16(x + 16));
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i products[4];  // of row r in the low half, of row r + 4 in the high one
#pragma GCC unroll 4
    for (int64_t r = 0; r < 4; ++r) {
      const __m256i q =
          _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(w.numbers(r))), load_16(w.numbers(r + 4)), 1);
      products[r] = _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(q, nibble), first),
                                     _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble), second));
    }
    return _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_set1_epi32(start), pairs_to_words(add_up_four<kKind>(products))));
  }
}

#else

/// The products of a group with one row, added up: start + Σ x · (q + shift).
template <QuantizedKind kKind>
MARU_INLINE F32 block_dots(const std::byte* x, int32_t start, BlockRows w) {
  const std::byte* row = w.numbers(0);
  for (int64_t e = 0; e < kQuantizedGroup; ++e) {
    const auto stored = static_cast<int32_t>(row[kKind == QuantizedKind::kInt8 ? e : e % 16]);
    start += static_cast<int8_t>(x[e]) * (kKind == QuantizedKind::kInt8 ? stored ^ 128
                                          : e < 16                      ? stored & 15
                                                                        : stored >> 4);
  }
  return F32(static_cast<float>(start));
}

#endif

#if defined(MARU_ISA_AVX2)

/// The scales of 8 rows' blocks. In registers: gathered in memory they would be read before they are there.
MARU_INLINE __m128i block_scales(BlockRows w) {
  __m128i twos[4];
#pragma GCC unroll 4
  for (int64_t r = 0; r < 4; ++r) twos[r] = _mm_unpacklo_epi16(load_16(w.row(2 * r)), load_16(w.row(2 * r + 1)));
  const __m128i low = _mm_unpacklo_epi32(twos[0], twos[1]), high = _mm_unpacklo_epi32(twos[2], twos[3]);
  return _mm_unpacklo_epi64(low, high);
}

MARU_INLINE void copy_scales(float16* to, BlockRows w) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block_scales(w));
}

template <QuantizedKind kKind>
class ChunkScales {
 public:
  ChunkScales(BlockRows w, int64_t) : w_(w) {}
  MARU_INLINE F32 of(int64_t g) const {
    return _mm256_cvtph_ps(block_scales({w_.row(0) + g * quantized_block_bytes(kKind), w_.stride}));
  }

 private:
  BlockRows w_;
};

#else

/// The scales of kLanes rows' blocks.
MARU_INLINE void copy_scales(float16* to, BlockRows w) {
#pragma GCC unroll 16
  for (int64_t r = 0; r < kLanes; ++r) __builtin_memcpy(to + r, w.row(r), kScaleBytes);
}

/// Those of a chunk, read ahead of their use, because they are gathered one by one.
template <QuantizedKind kKind>
class ChunkScales {
 public:
  ChunkScales(BlockRows w, int64_t groups) {
    for (int64_t g = 0; g < groups; ++g, w.data += quantized_block_bytes(kKind)) copy_scales(scales_ + g * kLanes, w);
  }
  MARU_INLINE F32 of(int64_t g) const { return load_halves(scales_ + g * kLanes); }

 private:
  alignas(64) float16 scales_[kGroupsPerChunk * kLanes];
};

#endif

/// total [kLanes] = the row of x in `records` times kLanes rows of w. While it multiplies, it fetches as many more.
template <QuantizedKind kKind>
void multiply_block_rows(float* total, const std::byte* records, BlockRows w, int64_t groups) {
  constexpr int64_t kBlock = quantized_block_bytes(kKind);
  const std::byte* next = w.row(kLanes);
  F32 sum;
  for (int64_t done = 0; done < groups; done += kGroupsPerChunk, records += kChunkRecord) {
    const ChunkRecord<1> chunk{records};
    const int64_t count = smaller(kGroupsPerChunk, groups - done);
    const ChunkScales<kKind> scales(w, count);
    F32 sums;
    for (int64_t g = 0; g < count; ++g, w.data += kBlock, next += kLanes * kBlock) {
      for (int64_t i = 0; i < kLanes * kBlock; i += 64) __builtin_prefetch(next + i, 0, 2);
      const GroupRecord<1> x = chunk.group(g);
      sums = fused(block_dots<kKind>(x.data, x.start(0), w), scales.of(g), sums);
    }
    sum = fused(F32(chunk.scale(0)), sums, sum);
  }
  store(total, sum);
}

}  // namespace
}  // namespace maru::kernels
