// Means over spans of rows: one vector per sequence of a packed batch.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

struct RowSpan {
  int64_t first = 0, rows = 0;  // rows [first, first + rows), at least one
};

/// y[s] = mean of x's rows in span s. A span of one row is that row.
///
/// Shapes   x [·, cols]; y [num_spans, cols].
/// Types    sums in Accumulator<T>, rows in order: a span's result does not depend on where it lies.
template <class T>
struct PoolingForward {
  T* y;
  const T* x;
  const RowSpan* spans;
  int64_t num_spans, cols;
};

/// dx[r] (+)= dy[s] / rows of s for every row r of a span s; rows in no span are left alone (added) or zero
/// (overwritten). Spans must not share rows.
///
/// Shapes   dx [rows, cols]; dy [num_spans, cols].
template <class T>
struct PoolingBackward {
  T* dx;
  bool add_dx;  // add to dx, or overwrite it
  const T* dy;
  const RowSpan* spans;
  int64_t num_spans, rows, cols;
};

template <class T>
void pooling_forward(CpuStream& stream, const PoolingForward<T>& a);
template <class T>
void pooling_backward(CpuStream& stream, const PoolingBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void pooling_forward(ThreadPool& pool, const PoolingForward<T>& a);
template <Isa kIsa, class T>
void pooling_backward(ThreadPool& pool, const PoolingBackward<T>& a);

}  // namespace maru::kernels
