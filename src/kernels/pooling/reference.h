// Means over spans of rows, in their plainest form.
#pragma once
#include "kernels/pooling/pooling.h"

namespace maru::kernels::reference {

template <class T>
void pooling_forward(const PoolingForward<T>& a) {
  for (int64_t s = 0; s < a.num_spans; ++s)
    for (int64_t c = 0; c < a.cols; ++c) {
      const PooledRows pooled = pooled_rows(a.spans[s], a.pooling);
      T sum = 0;
      for (int64_t r = 0; r < pooled.rows; ++r) sum += a.x[(pooled.first + r) * a.cols + c];
      a.y[s * a.cols + c] = sum / T(static_cast<double>(pooled.rows));
    }
}

template <class T>
void pooling_backward(const PoolingBackward<T>& a) {
  for (int64_t i = 0; i < a.rows * a.cols && !a.add_dx; ++i) a.dx[i] = T(0);
  for (int64_t s = 0; s < a.num_spans; ++s) {
    const PooledRows pooled = pooled_rows(a.spans[s], a.pooling);
    for (int64_t r = 0; r < pooled.rows; ++r)
      for (int64_t c = 0; c < a.cols; ++c)
        a.dx[(pooled.first + r) * a.cols + c] += a.dy[s * a.cols + c] / T(static_cast<double>(pooled.rows));
  }
}

}  // namespace maru::kernels::reference
