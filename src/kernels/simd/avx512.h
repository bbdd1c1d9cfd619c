// AVX-512 with BF16: 16 floats. See simd.h. The rest of a kernel with AMX tiles is made of it too.
#pragma once
#include <immintrin.h>

namespace maru::kernels {
namespace {

#if defined(MARU_ISA_AMX)
constexpr Isa kIsa = Isa::kAmx;
#else
constexpr Isa kIsa = Isa::kAvx512;
#endif
constexpr int64_t kLanes = 16;

struct F32 {
  __m512 v;
  MARU_INLINE F32() : v(_mm512_setzero_ps()) {}
  MARU_INLINE F32(__m512 x) : v(x) {}
  MARU_INLINE explicit F32(float x) : v(_mm512_set1_ps(x)) {}
};

MARU_INLINE __mmask16 first_lanes(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
MARU_INLINE __m512 widen(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }

/// Known while compiling: then a plain load or store takes the place of a masked one.
MARU_INLINE bool is_full(int64_t n) { return __builtin_constant_p(n) && n == kLanes; }

MARU_INLINE F32 load(const float* p) { return _mm512_loadu_ps(p); }
MARU_INLINE F32 load(const bfloat16* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
/// The first n lanes, zeros behind; n in [0, kLanes].
MARU_INLINE F32 load(const float* p, int64_t n) {
  if (is_full(n)) return load(p);
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
MARU_INLINE F32 load(const bfloat16* p, int64_t n) {
  if (is_full(n)) return load(p);
  return widen(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
MARU_INLINE void store(float* p, F32 x) { _mm512_storeu_ps(p, x.v); }
MARU_INLINE void store(bfloat16* p, F32 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(x.v));
}
MARU_INLINE void store(float* p, F32 x, int64_t n) {
  if (is_full(n)) return store(p, x);
  _mm512_mask_storeu_ps(p, first_lanes(n), x.v);
}
MARU_INLINE void store(bfloat16* p, F32 x, int64_t n) {
  if (is_full(n)) return store(p, x);
  _mm256_mask_storeu_epi16(p, first_lanes(n), (__m256i)_mm512_cvtneps_pbh(x.v));
}

MARU_INLINE F32 operator+(F32 a, F32 b) { return _mm512_add_ps(a.v, b.v); }
MARU_INLINE F32 operator-(F32 a, F32 b) { return _mm512_sub_ps(a.v, b.v); }
MARU_INLINE F32 operator*(F32 a, F32 b) { return _mm512_mul_ps(a.v, b.v); }
MARU_INLINE F32 operator/(F32 a, F32 b) { return _mm512_div_ps(a.v, b.v); }
/// a · b + c, one rounding.
MARU_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
/// NaN in a gives b, NaN in b gives NaN; so does min.
MARU_INLINE F32 max(F32 a, F32 b) { return _mm512_max_ps(a.v, b.v); }
MARU_INLINE F32 min(F32 a, F32 b) { return _mm512_min_ps(a.v, b.v); }
MARU_INLINE F32 sqrt(F32 a) { return _mm512_sqrt_ps(a.v); }
MARU_INLINE F32 round(F32 a) { return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
MARU_INLINE F32 scale_by_power_of_two(F32 a, F32 n) { return _mm512_scalef_ps(a.v, n.v); }
/// The whole part of log2 x; x a normal number above 0.
MARU_INLINE F32 exponent(F32 x) { return _mm512_getexp_ps(x.v); }
/// Lanes of `value` where x ≥ limit, 0 elsewhere.
MARU_INLINE F32 keep_above(F32 x, float limit, F32 value) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(limit), _CMP_NLT_UQ), value.v);
}
/// The first n lanes, zeros behind; n in [0, kLanes].
MARU_INLINE F32 keep_first(F32 x, int64_t n) {
  if (is_full(n)) return x;
  return _mm512_maskz_mov_ps(first_lanes(n), x.v);
}
/// {x, -x, x, -x, …}
MARU_INLINE F32 alternating(float x) { return _mm512_set4_ps(-x, x, -x, x); }
/// Lanes 2i and 2i + 1 change places.
MARU_INLINE F32 swap_neighbours(F32 a) { return _mm512_permute_ps(a.v, 0xb1); }
/// {p[0], p[0], p[1], p[1], …}
MARU_INLINE F32 load_twice(const float* p) {
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}
MARU_INLINE float reduce_add(F32 a) { return _mm512_reduce_add_ps(a.v); }
MARU_INLINE float reduce_max(F32 a) { return _mm512_reduce_max_ps(a.v); }

/// As many doubles as F32 has floats.
struct F64 {
  __m512d low, high;
  MARU_INLINE F64() : low(_mm512_setzero_pd()), high(_mm512_setzero_pd()) {}
  MARU_INLINE F64(__m512d l, __m512d h) : low(l), high(h) {}
};
/// x² + sum; the square is exact.
MARU_INLINE F64 add_square(F32 x, F64 sum) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x.v));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.v, 1));
  return {_mm512_fmadd_pd(low, low, sum.low), _mm512_fmadd_pd(high, high, sum.high)};
}
MARU_INLINE double reduce_add(F64 a) { return _mm512_reduce_add_pd(_mm512_add_pd(a.low, a.high)); }

}  // namespace
}  // namespace maru::kernels
