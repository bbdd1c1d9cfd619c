// Plain C++: one float, any machine. See simd.h.
#pragma once
#include <cmath>

namespace maru::kernels {
namespace {

constexpr Isa kIsa = Isa::kScalar;
constexpr int64_t kLanes = 1;

struct F32 {
  float v;
  MARU_INLINE F32() : v(0) {}
  MARU_INLINE explicit F32(float x) : v(x) {}
};

MARU_INLINE F32 load(const float* p) { return F32(*p); }
MARU_INLINE F32 load(const bfloat16* p) { return F32(to_float(*p)); }
MARU_INLINE F32 load(const float* p, int64_t n) { return F32(n > 0 ? *p : 0.0f); }
MARU_INLINE F32 load(const bfloat16* p, int64_t n) { return F32(n > 0 ? to_float(*p) : 0.0f); }
MARU_INLINE void store(float* p, F32 x) { *p = x.v; }
MARU_INLINE void store(bfloat16* p, F32 x) { *p = to_bfloat16(x.v); }
MARU_INLINE void store(float* p, F32 x, int64_t n) {
  if (n > 0) store(p, x);
}
MARU_INLINE void store(bfloat16* p, F32 x, int64_t n) {
  if (n > 0) store(p, x);
}

MARU_INLINE F32 operator+(F32 a, F32 b) { return F32(a.v + b.v); }
MARU_INLINE F32 operator-(F32 a, F32 b) { return F32(a.v - b.v); }
MARU_INLINE F32 operator*(F32 a, F32 b) { return F32(a.v * b.v); }
MARU_INLINE F32 operator/(F32 a, F32 b) { return F32(a.v / b.v); }
/// a · b + c.
MARU_INLINE F32 fma(F32 a, F32 b, F32 c) { return F32(a.v * b.v + c.v); }
/// NaN in a gives b, NaN in b gives NaN; so does min.
MARU_INLINE F32 max(F32 a, F32 b) { return F32(a.v > b.v ? a.v : b.v); }
MARU_INLINE F32 min(F32 a, F32 b) { return F32(a.v < b.v ? a.v : b.v); }
MARU_INLINE F32 sqrt(F32 a) { return F32(__builtin_sqrtf(a.v)); }
MARU_INLINE F32 round(F32 a) { return F32(__builtin_rintf(a.v)); }
MARU_INLINE F32 scale_by_power_of_two(F32 a, F32 n) {
  const float clamped = n.v < -252 ? -252.0f : n.v > 254 ? 254.0f : n.v;
  return F32(__builtin_ldexpf(a.v, static_cast<int>(clamped)));
}
/// The whole part of log2 x; x a normal number above 0.
MARU_INLINE F32 exponent(F32 x) { return F32(static_cast<float>(__builtin_ilogbf(x.v))); }
/// `value` where x ≥ limit (or x is NaN), 0 elsewhere.
MARU_INLINE F32 keep_above(F32 x, float limit, F32 value) { return x.v < limit ? F32() : value; }
/// The first n lanes, zeros behind; n in [0, kLanes].
MARU_INLINE F32 keep_first(F32 x, int64_t n) { return n > 0 ? x : F32(); }
MARU_INLINE float reduce_add(F32 a) { return a.v; }
MARU_INLINE float reduce_max(F32 a) { return a.v; }

/// As many doubles as F32 has floats.
struct F64 {
  double v;
  MARU_INLINE F64() : v(0) {}
  MARU_INLINE explicit F64(double x) : v(x) {}
};
/// x² + sum; the square is exact.
MARU_INLINE F64 add_square(F32 x, F64 sum) { return F64(static_cast<double>(x.v) * static_cast<double>(x.v) + sum.v); }
MARU_INLINE double reduce_add(F64 a) { return a.v; }

}  // namespace
}  // namespace maru::kernels
