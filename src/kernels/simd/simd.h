// Thin vector wrappers: F32 is a register of floats of the instruction set this file is being compiled for.
//
// A kernel's cpu.cc is compiled once per instruction set, with MARU_ISA naming it. Rules that keep the copies apart:
//   - cpu.cc defines explicit specialisations `template <> void kernel<kIsa>(…)`; everything else in it is in an
//   anonymous
//     namespace;
//   - it uses no standard library templates in hot code (the linker might keep one instruction set's copy for all);
//   - every function below is always inlined.
// Reductions over lanes have one fixed order per instruction set.
#pragma once
#include <cstdint>

#include "base/bfloat16.h"
#include "base/isa.h"
#include "kernels/kernel.h"

#define MARU_INLINE [[gnu::always_inline]] inline

#if defined(MARU_ISA_AVX512)
#include "kernels/simd/avx512.h"
#elif defined(MARU_ISA_AVX2)
#include "kernels/simd/avx2.h"
#else
#include "kernels/simd/scalar.h"
#endif

namespace maru::kernels {
namespace {

/// exp(x), relative error below 2e-7 for x in [-87.3, 88.7]; 0 below, so that exp(-inf) = 0; +inf above.
/// Range reduction by ln 2 in two parts, then a degree-6 polynomial.
/// Source: Cody & Waite 1980, ch. 6 (reduction); coefficients of the truncated Taylor series up to 1/720.
MARU_INLINE F32 exp(F32 x) {
  const F32 below = min(F32(89.0f), x);  // behind it the remainder would grow, to NaN at infinity; NaN stays NaN
  const F32 n = round(below * F32(1.44269504088896341f));
  const F32 r = fma(n, F32(2.12194440e-4f), fma(n, F32(-0.693359375f), below));
  F32 p = fma(F32(1.0f / 5040), r, F32(1.0f / 720));
  p = fma(p, r, F32(1.0f / 120));
  p = fma(p, r, F32(1.0f / 24));
  p = fma(p, r, F32(1.0f / 6));
  p = fma(p, r, F32(0.5f));
  p = fma(p, r, F32(1.0f));
  p = fma(p, r, F32(1.0f));
  return keep_above(x, -87.33654f, scale_by_power_of_two(p, n));
}

/// 2^x, relative error below 3e-7 for x in [-126, 127]; 0 for large negative x; infinity above 128. exp2(0) is 1.
/// A minimax polynomial of degree 5 in the rest after rounding.
MARU_INLINE F32 exp2(F32 x) {
  const F32 n = round(x), r = x - n;
  F32 p = fma(F32(1.326472730e-3f), r, F32(9.671512991e-3f));
  p = fma(p, r, F32(5.550733581e-2f));
  p = fma(p, r, F32(2.402224243e-1f));
  p = fma(p, r, F32(6.931470037e-1f));
  p = fma(p, r, F32(1.0f));
  return scale_by_power_of_two(p, n);
}

/// log(x) of normal numbers up to 2e38, relative error below 3e-7; log(1) is 0. Others give nothing that means
/// anything. The mantissa is taken from [√½, √2), where s = (x - 1) / (x + 1) is small: log x = 2 (s + s³/3 + s⁵/5 +
/// s⁷/7 + s⁹/9).
MARU_INLINE F32 log(F32 x) {
  const F32 n = exponent(x * F32(1.41421356f)), f = scale_by_power_of_two(x, F32() - n) - F32(1.0f);
  const F32 s = f / (f + F32(2.0f)), square = s * s;
  F32 p = fma(F32(2.0f / 9), square, F32(2.0f / 7));
  p = fma(p, square, F32(2.0f / 5));
  p = fma(p, square, F32(2.0f / 3));
  const F32 rest = fma(s * square, p, fma(n, F32(-2.12194440e-4f), s + s));
  return fma(n, F32(0.693359375f), rest);
}

/// 1 / (1 + exp(-x)).
MARU_INLINE F32 sigmoid(F32 x) { return F32(1.0f) / (F32(1.0f) + exp(F32(0.0f) - x)); }

/// Calls f(offset, count) for every full register of [0, n), then once for the rest, count < kLanes.
template <class F>
MARU_INLINE void for_lanes(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, kLanes);
  if (i < n) f(i, n - i);
}

/// The same over [0, n) in tasks of kElementsPerTask.
template <class F>
void for_elements(ThreadPool& pool, int64_t n, const F& f) {
  pool.parallel_for(divide_up(n, kElementsPerTask), [&](int64_t task, int) {
    const int64_t first = task * kElementsPerTask, rest = n - first;
    for_lanes(rest < kElementsPerTask ? rest : kElementsPerTask,
              [&](int64_t i, int64_t lanes) { f(first + i, lanes); });
  });
}

/// The same for every row of [0, rows): f(row), rows_per_task(cols) rows to a task.
template <class F>
void for_rows(ThreadPool& pool, int64_t rows, int64_t cols, const F& f) {
  const int64_t step = rows_per_task(cols);
  pool.parallel_for(divide_up(rows, step), [&](int64_t task, int) {
    for (int64_t r = task * step; r < rows && r < (task + 1) * step; ++r) f(r);
  });
}

}  // namespace
}  // namespace maru::kernels
