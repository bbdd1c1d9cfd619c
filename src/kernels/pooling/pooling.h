// One vector per sequence of a packed batch: the mean of its rows, or one of them.
#pragma once
#include "kernels/attention/attention.h"

namespace maru::kernels {

enum class Pooling : uint8_t {
  kMean,   // of all tokens
  kFirst,  // the first token ([CLS], <s>)
  kLast,
};

/// The rows that are averaged; of one, the average is the row.
struct PooledRows {
  int64_t first, rows;
};
[[gnu::always_inline]] inline PooledRows pooled_rows(const AttentionSpan& span, Pooling pooling) {
  if (pooling == Pooling::kMean) return {span.first_row, span.rows};
  return {pooling == Pooling::kFirst ? span.first_row : span.first_row + span.rows - 1, 1};
}

/// y[s] = mean of x's rows in span s that are pooled.
///
/// Shapes   x [·, cols]; y [num_spans, cols]; spans of at least one row, whose pages do not matter.
/// Types    sums in Accumulator<T>, rows in order: a span's result does not depend on where it lies.
template <class T>
struct PoolingForward {
  T* y;
  const T* x;
  const AttentionSpan* spans;
  int64_t num_spans, cols;
  Pooling pooling;
};

/// dx[r] (+)= dy[s] / pooled rows of s for every pooled row r of a span s; other rows are left alone (added) or zero
/// (overwritten). Spans must not share rows.
///
/// Shapes   dx [rows, cols]; dy [num_spans, cols].
template <class T>
struct PoolingBackward {
  T* dx;
  bool add_dx;  // add to dx, or overwrite it
  const T* dy;
  const AttentionSpan* spans;
  int64_t num_spans, rows, cols;
  Pooling pooling;
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
