// Layer normalisation in its plainest form.
#pragma once
#include <cmath>

#include "kernels/layer_norm/layer_norm.h"

namespace maru::kernels::reference {

template <class T>
void layer_norm_forward(const LayerNormForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = a.x + r * a.cols;
    T sum = 0, squares = 0;
    for (int64_t c = 0; c < a.cols; ++c) sum += x[c];
    const T mean = sum / T(a.cols);
    for (int64_t c = 0; c < a.cols; ++c) squares += (x[c] - mean) * (x[c] - mean);
    const T rstd = T(1) / std::sqrt(squares / T(a.cols) + T(a.eps));
    if (a.mean != nullptr) a.mean[r] = mean;
    if (a.rstd != nullptr) a.rstd[r] = rstd;
    for (int64_t c = 0; c < a.cols; ++c)
      a.y[r * a.cols + c] = (x[c] - mean) * rstd * a.weight[c] + (a.bias != nullptr ? a.bias[c] : T(0));
  }
}

template <class T>
void layer_norm_backward(const LayerNormBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T *x = a.x + r * a.cols, *dy = a.dy + r * a.cols, mean = a.mean[r], rstd = a.rstd[r];
    T sum = 0, dot = 0;
    for (int64_t c = 0; c < a.cols; ++c) {
      const T normal = (x[c] - mean) * rstd;
      sum += dy[c] * a.weight[c];
      dot += dy[c] * a.weight[c] * normal;
      if (a.dweight != nullptr) a.dweight[c] += dy[c] * normal;
      if (a.dbias != nullptr) a.dbias[c] += dy[c];
    }
    for (int64_t c = 0; c < a.cols && a.dx != nullptr; ++c) {
      T& dx = a.dx[r * a.cols + c];
      const T normal = (x[c] - mean) * rstd;
      dx = (a.add_dx ? dx : T(0)) + rstd * (dy[c] * a.weight[c] - (sum + normal * dot) / T(a.cols));
    }
  }
}

}  // namespace maru::kernels::reference
