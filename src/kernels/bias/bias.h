// A vector for every row: the bias of a linear layer, forward and backward; factors of its outputs.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y[r] = bias for every row r: what a matrix product is then added to, so that the sum is rounded once.
///
/// Shapes   y [rows, cols]; bias [cols].
template <class T>
struct BiasForward {
  T* y;
  const T* bias;
  int64_t rows, cols;
};

/// dbias[c] += Σ dy[r, c], rows in order.
///
/// Shapes   dy [rows, cols]; dbias [cols].
/// Cost     each task adds up all rows for 64 columns: no scratch, the same bits for any thread count.
template <class T>
struct BiasBackward {
  Accumulator<T>* dbias;
  const T* dy;
  int64_t rows, cols;
};

/// y[r, c] = scale[c] · (x[r, c] + alpha · z[r, c]) + bias[c], rounded once. y may be x.
///
/// Shapes   y, x, z [rows, cols]; scale [cols]; bias [cols] or null: none.
template <class T>
struct ScaleColumns {
  T* y;
  const T* x;
  const T* z;
  const Accumulator<T>* scale;
  const T* bias;
  int64_t rows, cols;
  double alpha = 1;
};

/// Of y = scale ⊙ (x + alpha · z) + bias: dx = scale ⊙ dy, dz = alpha · dx, dscale[c] += Σ dy[r, c] (x + alpha · z)[r,
/// c], rows in order.
///
/// Shapes   dx, dz, dy, x, z [rows, cols]; scale, dscale [cols]. dx, dz or dscale may be null: not wanted.
/// Cost     each task takes all rows of 64 columns.
template <class T>
struct ScaleColumnsBackward {
  T* dx;
  T* dz;
  Accumulator<T>* dscale;
  const T* dy;
  const T* x;
  const T* z;
  const Accumulator<T>* scale;
  int64_t rows, cols;
  double alpha = 1;
  bool add_dx = false, add_dz = false;
};

template <class T>
void bias_forward(CpuStream& stream, const BiasForward<T>& a);
template <class T>
void bias_backward(CpuStream& stream, const BiasBackward<T>& a);
template <class T>
void scale_columns(CpuStream& stream, const ScaleColumns<T>& a);
template <class T>
void scale_columns_backward(CpuStream& stream, const ScaleColumnsBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void bias_forward(ThreadPool& pool, const BiasForward<T>& a);
template <Isa kIsa, class T>
void bias_backward(ThreadPool& pool, const BiasBackward<T>& a);
template <Isa kIsa, class T>
void scale_columns(ThreadPool& pool, const ScaleColumns<T>& a);
template <Isa kIsa, class T>
void scale_columns_backward(ThreadPool& pool, const ScaleColumnsBackward<T>& a);

}  // namespace maru::kernels
