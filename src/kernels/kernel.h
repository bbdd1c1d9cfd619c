// What every kernel shares. A kernel takes plain pointers in an argument struct, allocates nothing and knows no Tensor.
//
//   template <class T> void rms_norm_forward(CpuStream&, const RmsNormForward<T>&);
//
// T = float and bfloat16 run SIMD code of the stream's instruction set; T = double and std::complex<double> run the
// reference, so that whole models can be checked by complex step (Squire & Trapp 1998) through the same forward.
// Work is split into tasks that do not depend on the thread count, and sums over tasks are added in task order:
// the same bits for any number of threads.
#pragma once
#include <complex>
#include <cstdint>
#include <type_traits>

#include "base/bfloat16.h"
#include "base/cpu_stream.h"

namespace maru::kernels {

template <class T>
inline constexpr bool kIsSimd = std::is_same_v<T, float> || std::is_same_v<T, bfloat16>;

/// What sums, statistics and parameter gradients of T are kept in.
template <class T>
using Accumulator = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// Calls f.operator()<isa>() for the stream's instruction set, of families whose code for AMX is that for AVX-512.
template <class F>
void with_isa(Isa isa, F&& f) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAmx:
    case Isa::kAvx512: return f.template operator()<Isa::kAvx512>();
    case Isa::kAvx2: return f.template operator()<Isa::kAvx2>();
#endif
    default: return f.template operator()<Isa::kScalar>();
  }
}

/// The same for families with code of their own for AMX (TILES in CMakeLists.txt).
template <class F>
void with_tiles_isa(Isa isa, F&& f) {
#if defined(__x86_64__)
  if (isa == Isa::kAmx) return f.template operator()<Isa::kAmx>();
#endif
  with_isa(isa, f);
}

/// Rows per task so that a task does about 16 Ki elements of work: independent of the thread count.
constexpr int64_t rows_per_task(int64_t cols) { return cols >= 16384 ? 1 : 16384 / (cols > 0 ? cols : 1); }
/// Elements per task of elementwise ops.
inline constexpr int64_t kElementsPerTask = 16384;
constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace maru::kernels
