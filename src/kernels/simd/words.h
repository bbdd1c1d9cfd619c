// Registers of 32-bit words, for packing and multiplying matrices. Include after simd.h.
//
// A word is one step along k: one float, or two bfloat16 with consecutive k (the earlier one in the low half), which is
// the layout that `vdpbf16ps` multiplies. Instruction sets without it widen the halves in registers.
#pragma once
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

using Word = uint32_t;

/// Elements of k per word.
template <class T>
constexpr int64_t kPerWord = static_cast<int64_t>(sizeof(Word) / sizeof(T));

#if defined(MARU_ISA_AVX512)

/// Halves of a word that are multiplied one after the other.
template <class T>
constexpr int kHalves = 1;

struct Words {
  __m512i v;
};
/// kLanes pairs of bfloat16.
struct Pairs {
  __m512i v;
};

MARU_INLINE Words words_from(F32 x) { return {_mm512_castps_si512(x.v)}; }
MARU_INLINE Words no_words() { return {_mm512_setzero_si512()}; }
MARU_INLINE Words turned(Words x, Word bits) {
  return {_mm512_xor_si512(x.v, _mm512_set1_epi32(static_cast<int>(bits)))};
}
MARU_INLINE Words load_words(const void* p) { return {_mm512_loadu_si512(p)}; }
MARU_INLINE void store_words(Word* p, Words x) { _mm512_storeu_si512(p, x.v); }
MARU_INLINE void store_words(Word* p, Words x, int64_t n) { _mm512_mask_storeu_epi32(p, first_lanes(n), x.v); }
MARU_INLINE Words broadcast_word(const Word* p) { return {_mm512_set1_epi32(static_cast<int>(*p))}; }

/// The words of n consecutive elements, zeros behind; n in [0, kLanes · kPerWord<T>].
MARU_INLINE Words load_elements(const float* p, int64_t n) { return {_mm512_maskz_loadu_epi32(first_lanes(n), p)}; }
MARU_INLINE Words load_elements(const bfloat16* p, int64_t n) {
  return {_mm512_maskz_loadu_epi16(static_cast<__mmask32>((uint64_t{1} << n) - 1), p)};
}
/// Word i is {low[i], high[i]} for i < n, 0 behind.
MARU_INLINE Words zip(const bfloat16* low, const bfloat16* high, int64_t n) {
  const __m512i even = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(n), low));
  const __m512i odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(n), high));
  return {_mm512_or_si512(even, _mm512_slli_epi32(odd, 16))};
}
MARU_INLINE Words zip(const bfloat16* low, int64_t n) {
  return {_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(n), low))};
}

template <class T, int kHalf>
MARU_INLINE auto factor(Words x) {
  if constexpr (kPerWord<T> == 1) {
    return F32(_mm512_castsi512_ps(x.v));
  } else {
    return Pairs{x.v};
  }
}
/// c + a · b, both products of each pair.
MARU_INLINE F32 fma(Pairs a, Pairs b, F32 c) { return _mm512_dpbf16_ps(c.v, (__m512bh)a.v, (__m512bh)b.v); }

// Four words of four rows at a time within each 128-bit part, then the parts.
MARU_INLINE void transpose(Words (&x)[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(x[i].v, x[i + 1].v);
    t[i + 1] = _mm512_unpackhi_epi32(x[i].v, x[i + 1].v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 4) {
    x[i].v = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    x[i + 1].v = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    x[i + 2].v = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    x[i + 3].v = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {
    const __m512i a = _mm512_shuffle_i32x4(x[i].v, x[4 + i].v, 0x88),
                  b = _mm512_shuffle_i32x4(x[i].v, x[4 + i].v, 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(x[8 + i].v, x[12 + i].v, 0x88);
    const __m512i d = _mm512_shuffle_i32x4(x[8 + i].v, x[12 + i].v, 0xdd);
    x[i].v = _mm512_shuffle_i32x4(a, c, 0x88);
    x[4 + i].v = _mm512_shuffle_i32x4(b, d, 0x88);
    x[8 + i].v = _mm512_shuffle_i32x4(a, c, 0xdd);
    x[12 + i].v = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

/// x[i] = word i of each of 16 lines that lie `stride` bytes apart. By quarters, which come in place as they are
/// loaded.
MARU_INLINE void load_transposed(Words (&x)[4], const void* lines, int64_t stride) {
  const auto four = [&](int64_t line) __attribute__((always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const char*>(lines) + line * stride));
  };
  __m512i r[4];
#pragma GCC unroll 4
  for (int64_t i = 0; i < 4; ++i) {
    r[i] = _mm512_inserti32x4(_mm512_castsi128_si512(four(i)), four(i + 4), 1);
    r[i] = _mm512_inserti32x4(_mm512_inserti32x4(r[i], four(i + 8), 2), four(i + 12), 3);
  }
  const __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
  const __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
  x[0].v = _mm512_unpacklo_epi64(a, c);
  x[1].v = _mm512_unpackhi_epi64(a, c);
  x[2].v = _mm512_unpacklo_epi64(b, d);
  x[3].v = _mm512_unpackhi_epi64(b, d);
}

#elif defined(MARU_ISA_AVX2)

template <class T>
constexpr int kHalves = static_cast<int>(kPerWord<T>);

struct Words {
  __m256i v;
};

MARU_INLINE Words words_from(F32 x) { return {_mm256_castps_si256(x.v)}; }
MARU_INLINE Words no_words() { return {_mm256_setzero_si256()}; }
MARU_INLINE Words turned(Words x, Word bits) {
  return {_mm256_xor_si256(x.v, _mm256_set1_epi32(static_cast<int>(bits)))};
}
MARU_INLINE Words load_words(const void* p) { return {_mm256_loadu_si256(static_cast<const __m256i*>(p))}; }
MARU_INLINE void store_words(Word* p, Words x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.v); }
// In pieces: processors of this instruction set may take many cycles for a masked store.
MARU_INLINE void store_words(Word* p, Words x, int64_t n) {
  if (n >= 8) return store_words(p, x);
  __m128i part = _mm256_castsi256_si128(x.v);
  if (n >= 4) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), part);
    part = _mm256_extracti128_si256(x.v, 1);
    p += 4;
  }
  if ((n & 2) != 0) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), part);
    part = _mm_srli_si128(part, 8);
    p += 2;
  }
  if ((n & 1) != 0) *p = static_cast<Word>(_mm_cvtsi128_si32(part));
}
MARU_INLINE Words broadcast_word(const Word* p) { return {_mm256_set1_epi32(static_cast<int>(*p))}; }

MARU_INLINE Words load_elements(const float* p, int64_t n) {
  return {_mm256_maskload_epi32(reinterpret_cast<const int*>(p), first_lanes(n))};
}
MARU_INLINE Words load_elements(const bfloat16* p, int64_t n) {
  if (n == 16) return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  alignas(32) bfloat16 part[16] = {};
  for (int64_t i = 0; i < n; ++i) part[i] = p[i];
  return {_mm256_load_si256(reinterpret_cast<const __m256i*>(part))};
}
MARU_INLINE __m256i load_low_halves(const bfloat16* p, int64_t n) {
  if (n == 8) return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  alignas(16) bfloat16 part[8] = {};
  for (int64_t i = 0; i < n; ++i) part[i] = p[i];
  return _mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(part)));
}
MARU_INLINE Words zip(const bfloat16* low, const bfloat16* high, int64_t n) {
  return {_mm256_or_si256(load_low_halves(low, n), _mm256_slli_epi32(load_low_halves(high, n), 16))};
}
MARU_INLINE Words zip(const bfloat16* low, int64_t n) { return {load_low_halves(low, n)}; }

template <class T, int kHalf>
MARU_INLINE F32 factor(Words x) {
  if constexpr (kPerWord<T> == 1) return _mm256_castsi256_ps(x.v);
  if constexpr (kHalf == 0) return _mm256_castsi256_ps(_mm256_slli_epi32(x.v, 16));
  return _mm256_castsi256_ps(_mm256_and_si256(x.v, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}

/// x[i] = word i of each of 8 lines that lie `stride` bytes apart. By halves, which come in place as they are loaded.
MARU_INLINE void load_transposed(Words (&x)[4], const void* lines, int64_t stride) {
  const auto four = [&](int64_t line) __attribute__((always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const char*>(lines) + line * stride));
  };
  __m256i r[4];
#pragma GCC unroll 4
  for (int64_t i = 0; i < 4; ++i) r[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(four(i)), four(i + 4), 1);
  const __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpackhi_epi32(r[0], r[1]);
  const __m256i c = _mm256_unpacklo_epi32(r[2], r[3]), d = _mm256_unpackhi_epi32(r[2], r[3]);
  x[0].v = _mm256_unpacklo_epi64(a, c);
  x[1].v = _mm256_unpackhi_epi64(a, c);
  x[2].v = _mm256_unpacklo_epi64(b, d);
  x[3].v = _mm256_unpackhi_epi64(b, d);
}
MARU_INLINE void load_transposed(Words (&x)[8], const void* lines, int64_t stride) {
  Words low[4], high[4];
  load_transposed(low, lines, stride);
  load_transposed(high, static_cast<const char*>(lines) + 16, stride);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) x[i] = low[i], x[4 + i] = high[i];
}

MARU_INLINE void transpose(Words (&x)[8]) {
  __m256i t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(x[i].v, x[i + 1].v);
    t[i + 1] = _mm256_unpackhi_epi32(x[i].v, x[i + 1].v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {
    x[i].v = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    x[i + 1].v = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    x[i + 2].v = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    x[i + 3].v = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) {
    const __m256i a = x[i].v, b = x[4 + i].v;
    x[i].v = _mm256_permute2x128_si256(a, b, 0x20);
    x[4 + i].v = _mm256_permute2x128_si256(a, b, 0x31);
  }
}

#else

template <class T>
constexpr int kHalves = static_cast<int>(kPerWord<T>);

struct Words {
  Word v;
};

MARU_INLINE Words no_words() { return {0}; }
MARU_INLINE Words turned(Words x, Word bits) { return {x.v ^ bits}; }
MARU_INLINE Words load_words(const void* p) {
  Word word;
  __builtin_memcpy(&word, p, sizeof word);
  return {word};
}
MARU_INLINE void store_words(Word* p, Words x) { *p = x.v; }
MARU_INLINE void store_words(Word* p, Words x, int64_t n) {
  if (n > 0) *p = x.v;
}
MARU_INLINE Words words_from(F32 x) { return load_words(&x.v); }
MARU_INLINE Words broadcast_word(const Word* p) { return {*p}; }

MARU_INLINE Words load_elements(const float* p, int64_t n) {
  Word word = 0;
  if (n > 0) __builtin_memcpy(&word, p, sizeof word);
  return {word};
}
MARU_INLINE Words zip(const bfloat16* low, const bfloat16* high, int64_t n) {
  return {n > 0 ? Word{low->bits} | Word{high->bits} << 16 : 0};
}
MARU_INLINE Words zip(const bfloat16* low, int64_t n) { return {n > 0 ? Word{low->bits} : 0}; }
MARU_INLINE Words load_elements(const bfloat16* p, int64_t n) { return n > 1 ? zip(p, p + 1, 1) : zip(p, n); }

template <class T, int kHalf>
MARU_INLINE F32 factor(Words x) {
  const Word bits = kPerWord<T> == 1 ? x.v : kHalf == 0 ? x.v << 16 : x.v & 0xffff0000u;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return F32(value);
}
MARU_INLINE void transpose(Words (&)[1]) {}
/// x[i] = word i of a line.
MARU_INLINE void load_transposed(Words (&x)[4], const void* line, int64_t) {
  for (int64_t i = 0; i < 4; ++i) x[i] = load_words(static_cast<const char*>(line) + 4 * i);
}

#endif

#if !defined(MARU_ISA_AVX2)
/// x[i] = word i of each of kLanes lines that lie `stride` bytes apart.
MARU_INLINE void load_transposed(Words (&x)[kLanes], const void* lines, int64_t stride) {
#pragma GCC unroll 16
  for (int64_t i = 0; i < kLanes; ++i) x[i] = load_words(static_cast<const char*>(lines) + i * stride);
  transpose(x);
}
#endif

MARU_INLINE Words zip(const float* low, int64_t n) { return load_elements(low, n); }

}  // namespace
}  // namespace maru::kernels
