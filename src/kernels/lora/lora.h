// What decomposed low-rank adapters (DoRA) need beside products.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// norms[r] = |weight[r] + scale · (b · a)[r]|, from |w + s·b·a|² = |w|² + s · b · (2 · a·w + s · b·a·aᵀ): the sum is
/// never built.
///
/// Shapes   weight [rows, cols]; b, b_a_a [rows, rank]: b · (a · aᵀ); a_w [rank, rows]: a · weightᵀ; norms [rows].
/// Types    all sums in double, of complex numbers their real parts. The same code on every instruction set.
/// Source   Liu et al. 2024 (DoRA), arXiv:2402.09353, eq. 5.
template <class T>
struct LoraRowNorms {
  double* norms;
  const T* weight;
  const Accumulator<T>* b;
  const Accumulator<T>* b_a_a;
  const Accumulator<T>* a_w;
  int64_t rows, cols, rank;
  double scale;
};

template <class T>
void lora_row_norms(CpuStream& stream, const LoraRowNorms<T>& a);

/// y[r] = x[r] / norms[r], or with `add` y[r] += that: rows of the length x, and the gradient of x, norms being
/// constant (Liu et al. 2024, §4.3).
///
/// Shapes   y, x, norms [rows].
template <class A>
struct OverNorms {
  A* y;
  const A* x;
  const double* norms;
  int64_t rows;
  bool add = false;
};

template <class A>
void over_norms(CpuStream& stream, const OverNorms<A>& a);

}  // namespace maru::kernels
