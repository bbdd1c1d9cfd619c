// Layer normalisation, forward and backward.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = (x - mean(x)) / sqrt(var(x) + eps) · weight + bias, row by row; the variance is that of the row (divisor cols).
///
/// Shapes   x, y [rows, cols]; weight, bias [cols], bias may be null; mean, rstd [rows].
/// Types    sums in Accumulator<T>; the variance from the deviations, in a second pass, so that it cannot cancel.
/// Saves    mean and rstd = 1 / sqrt(var(x) + eps); both or neither may be null.
/// Source   Ba, Kiros & Hinton 2016, arXiv:1607.06450, eq. 4.
template <class T>
struct LayerNormForward {
  T* y;
  Accumulator<T>* mean;
  Accumulator<T>* rstd;
  const T* x;
  const T* weight;
  const T* bias;
  int64_t rows, cols;
  double eps;
};

/// dx (+)= gradient of x; dweight, dbias += gradients of weight and bias.
///
/// Shapes   dx, dy, x [rows, cols]; weight, dweight, dbias [cols]; partial [layer_norm_partials(rows, cols), cols].
template <class T>
struct LayerNormBackward {
  T* dx;                    // null: not wanted
  bool add_dx;              // add to dx, or overwrite it
  Accumulator<T>* dweight;  // null: not wanted
  Accumulator<T>* dbias;    // null: not wanted
  Accumulator<T>* partial;  // scratch, two rows per task (dweight, dbias); summed in task order
  const T* dy;
  const T* x;
  const T* weight;
  const Accumulator<T>* mean;
  const Accumulator<T>* rstd;
  int64_t rows, cols;
};

/// Rows of scratch that the backward needs.
int64_t layer_norm_partials(const CpuStream&, int64_t rows, int64_t cols);

template <class T>
void layer_norm_forward(CpuStream& stream, const LayerNormForward<T>& a);
template <class T>
void layer_norm_backward(CpuStream& stream, const LayerNormBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void layer_norm_forward(ThreadPool& pool, const LayerNormForward<T>& a);
template <Isa kIsa, class T>
void layer_norm_backward(ThreadPool& pool, const LayerNormBackward<T>& a);

}  // namespace maru::kernels
