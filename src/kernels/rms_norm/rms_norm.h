// RMS normalisation, forward and backward.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = x / sqrt(mean(x²) + eps) · (weight_offset + weight), row by row.
///
/// Shapes   x, y [rows, cols]; weight [cols]; rstd [rows].
/// Types    sums in Accumulator<T>.
/// Saves    rstd = 1 / sqrt(mean(x²) + eps); may be null.
/// Source   Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4.
template <class T>
struct RmsNormForward {
  T* y;
  Accumulator<T>* rstd;
  const T* x;
  const T* weight;
  int64_t rows, cols;
  double eps;
  double weight_offset = 0;  // Gemma stores its weights minus 1
};

/// dx (+)= gradient of x; dweight += gradient of weight.
///
/// Shapes   dx, dy, x [rows, cols]; weight, dweight [cols]; partial [rms_norm_partials(rows, cols), cols].
template <class T>
struct RmsNormBackward {
  T* dx;                    // null: not wanted
  bool add_dx;              // add to dx, or overwrite it
  Accumulator<T>* dweight;  // null: not wanted
  Accumulator<T>* partial;  // scratch, one row per task; summed in task order
  const T* dy;
  const T* x;
  const T* weight;
  const Accumulator<T>* rstd;
  int64_t rows, cols;
  double weight_offset = 0;
};

/// Rows of scratch that the backward needs.
int64_t rms_norm_partials(const CpuStream&, int64_t rows, int64_t cols);

template <class T>
void rms_norm_forward(CpuStream& stream, const RmsNormForward<T>& a);
template <class T>
void rms_norm_backward(CpuStream& stream, const RmsNormBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void rms_norm_forward(ThreadPool& pool, const RmsNormForward<T>& a);
template <Isa kIsa, class T>
void rms_norm_backward(ThreadPool& pool, const RmsNormBackward<T>& a);

}  // namespace maru::kernels
