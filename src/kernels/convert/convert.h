// Moving arrays: between types, byte for byte, zeros and other constants.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = x, rounded to nearest even where To is narrower; NaN stays NaN.
///
/// Types    To, From = float, bfloat16, double; std::complex<double> from and to double.
/// Cost     AVX-512 flushes results below 2^-126 to zero when To is bfloat16.
template <class To, class From>
struct Convert {
  To* y;
  const From* x;
  int64_t count;
};

template <class To, class From>
void convert(CpuStream& stream, const Convert<To, From>& a);

/// y[i] = value, rounded to T.
template <class T>
struct Fill {
  T* y;
  int64_t count;
  double value;
};

template <class T>
void fill(CpuStream& stream, const Fill<T>& a);

/// Copies between arrays that do not overlap.
void copy_bytes(CpuStream& stream, void* to, const void* from, int64_t bytes);
void zero_bytes(CpuStream& stream, void* to, int64_t bytes);

/// The same for one instruction set, float to bfloat16 and back.
template <Isa kIsa, class To, class From>
void convert(ThreadPool& pool, const Convert<To, From>& a);

}  // namespace maru::kernels
