// Numbers that describe a whole array.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// Shapes   x [count]; result [1]; partial [reduce_partials(count)].
/// Types    T = float, or double (the reference).
template <class T>
struct Reduce {
  double* result;
  double* partial;  // scratch, one per task; summed in task order
  const T* x;
  int64_t count;
};

int64_t reduce_partials(const CpuStream&, int64_t count);

/// result = Σ x², in double. A square of a float neither overflows nor rounds in double, so the sum is finite exactly
/// when every element is: the test for NaN and infinity costs nothing more.
template <class T>
void sum_of_squares(CpuStream& stream, const Reduce<T>& a);

/// result = the largest |x|; NaN if any element is not finite; 0 of nothing.
template <class T>
void max_abs(CpuStream& stream, const Reduce<T>& a);

/// One partial per task, for one instruction set.
template <Isa kIsa>
void sums_of_squares(ThreadPool& pool, const Reduce<float>& a);
template <Isa kIsa>
void maxima(ThreadPool& pool, const Reduce<float>& a);

}  // namespace maru::kernels
