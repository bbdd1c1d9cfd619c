// AVX2 with FMA: 8 floats; bfloat16 is widened and rounded with integer instructions. See simd.h.
#pragma once
#include <immintrin.h>

namespace maru::kernels {
namespace {

constexpr Isa kIsa = Isa::kAvx2;
constexpr int64_t kLanes = 8;

struct F32 {
  __m256 v;
  MARU_INLINE F32() : v(_mm256_setzero_ps()) {}
  MARU_INLINE F32(__m256 x) : v(x) {}
  MARU_INLINE explicit F32(float x) : v(_mm256_set1_ps(x)) {}
};

MARU_INLINE __m256i first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
MARU_INLINE __m256 widen(__m128i x) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16)); }

// Round to nearest even; NaN stays NaN (its quiet bit is set).
MARU_INLINE __m128i narrow(__m256 x) {
  const __m256i u = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i nan = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, nan, is_nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
}

/// Known while compiling: then a plain load or store takes the place of a masked one.
MARU_INLINE bool is_full(int64_t n) { return __builtin_constant_p(n) && n == kLanes; }

MARU_INLINE F32 load(const float* p) { return _mm256_loadu_ps(p); }
MARU_INLINE F32 load(const bfloat16* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
/// The first n lanes, zeros behind; n in [0, kLanes].
MARU_INLINE F32 load(const float* p, int64_t n) {
  if (is_full(n)) return load(p);
  return _mm256_maskload_ps(p, first_lanes(n));
}
MARU_INLINE F32 load(const bfloat16* p, int64_t n) {
  if (is_full(n)) return load(p);
  alignas(16) bfloat16 part[8] = {};
  for (int64_t i = 0; i < n; ++i) part[i] = p[i];
  return load(part);
}
MARU_INLINE void store(float* p, F32 x) { _mm256_storeu_ps(p, x.v); }
MARU_INLINE void store(bfloat16* p, F32 x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(x.v)); }
MARU_INLINE void store(float* p, F32 x, int64_t n) {
  if (is_full(n)) return store(p, x);
  _mm256_maskstore_ps(p, first_lanes(n), x.v);
}
MARU_INLINE void store(bfloat16* p, F32 x, int64_t n) {
  if (is_full(n)) return store(p, x);
  alignas(16) bfloat16 part[8];
  store(part, x);
  for (int64_t i = 0; i < n; ++i) p[i] = part[i];
}

MARU_INLINE F32 operator+(F32 a, F32 b) { return _mm256_add_ps(a.v, b.v); }
MARU_INLINE F32 operator-(F32 a, F32 b) { return _mm256_sub_ps(a.v, b.v); }
MARU_INLINE F32 operator*(F32 a, F32 b) { return _mm256_mul_ps(a.v, b.v); }
MARU_INLINE F32 operator/(F32 a, F32 b) { return _mm256_div_ps(a.v, b.v); }
/// a · b + c, one rounding.
MARU_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
/// NaN in a gives b, NaN in b gives NaN; so does min.
MARU_INLINE F32 max(F32 a, F32 b) { return _mm256_max_ps(a.v, b.v); }
MARU_INLINE F32 min(F32 a, F32 b) { return _mm256_min_ps(a.v, b.v); }
MARU_INLINE F32 sqrt(F32 a) { return _mm256_sqrt_ps(a.v); }
MARU_INLINE F32 round(F32 a) { return _mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// In two halves, so that 2^n may reach 2^128 (which gives infinity) without leaving the exponent's range.
MARU_INLINE F32 scale_by_power_of_two(F32 a, F32 n) {
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(n.v, _mm256_set1_ps(-252)), _mm256_set1_ps(254));
  const __m256i i = _mm256_cvtps_epi32(clamped), half = _mm256_srai_epi32(i, 1), rest = _mm256_sub_epi32(i, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(a.v, first), second);
}
/// The whole part of log2 x; x a normal number above 0.
MARU_INLINE F32 exponent(F32 x) {
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(x.v), 23), _mm256_set1_epi32(127)));
}
/// Lanes of `value` where x ≥ limit, 0 elsewhere.
MARU_INLINE F32 keep_above(F32 x, float limit, F32 value) {
  return _mm256_and_ps(_mm256_cmp_ps(x.v, _mm256_set1_ps(limit), _CMP_NLT_UQ), value.v);
}
/// The first n lanes, zeros behind; n in [0, kLanes].
MARU_INLINE F32 keep_first(F32 x, int64_t n) {
  if (is_full(n)) return x;
  return _mm256_and_ps(_mm256_castsi256_ps(first_lanes(n)), x.v);
}
/// {x, -x, x, -x, …}
MARU_INLINE F32 alternating(float x) { return _mm256_setr_ps(x, -x, x, -x, x, -x, x, -x); }
/// Lanes 2i and 2i + 1 change places.
MARU_INLINE F32 swap_neighbours(F32 a) { return _mm256_permute_ps(a.v, 0xb1); }
/// {p[0], p[0], p[1], p[1], …}
MARU_INLINE F32 load_twice(const float* p) {
  return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}
MARU_INLINE float reduce_add(F32 a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
MARU_INLINE float reduce_max(F32 a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/// As many doubles as F32 has floats.
struct F64 {
  __m256d low, high;
  MARU_INLINE F64() : low(_mm256_setzero_pd()), high(_mm256_setzero_pd()) {}
  MARU_INLINE F64(__m256d l, __m256d h) : low(l), high(h) {}
};
/// x² + sum; the square is exact.
MARU_INLINE F64 add_square(F32 x, F64 sum) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x.v));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(x.v, 1));
  return {_mm256_fmadd_pd(low, low, sum.low), _mm256_fmadd_pd(high, high, sum.high)};
}
MARU_INLINE double reduce_add(F64 a) {
  const __m256d both = _mm256_add_pd(a.low, a.high);
  const __m128d pair = _mm_add_pd(_mm256_castpd256_pd128(both), _mm256_extractf128_pd(both, 1));
  return _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)));
}

}  // namespace
}  // namespace maru::kernels
