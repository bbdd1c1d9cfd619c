// A vector for every row, in its plainest form.
#pragma once
#include "kernels/bias/bias.h"

namespace maru::kernels::reference {

template <class T>
void bias_forward(const BiasForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) a.y[r * a.cols + c] = a.bias[c];
}

template <class T>
void bias_backward(const BiasBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) a.dbias[c] += a.dy[r * a.cols + c];
}

}  // namespace maru::kernels::reference
