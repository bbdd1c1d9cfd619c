// RMS normalisation in its plainest form.
#pragma once
#include <cmath>

#include "kernels/rms_norm/rms_norm.h"

namespace maru::kernels::reference {

template <class T>
void rms_norm_forward(const RmsNormForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = a.x + r * a.cols;
    T squares = 0;
    for (int64_t c = 0; c < a.cols; ++c) squares += x[c] * x[c];
    const T rstd = T(1) / std::sqrt(squares / T(a.cols) + T(a.eps));
    if (a.rstd != nullptr) a.rstd[r] = rstd;
    for (int64_t c = 0; c < a.cols; ++c) a.y[r * a.cols + c] = x[c] * rstd * (T(a.weight_offset) + a.weight[c]);
  }
}

template <class T>
void rms_norm_backward(const RmsNormBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const T *x = a.x + r * a.cols, *dy = a.dy + r * a.cols, rstd = a.rstd[r];
    T dot = 0;
    for (int64_t c = 0; c < a.cols; ++c) dot += dy[c] * (T(a.weight_offset) + a.weight[c]) * x[c];
    dot *= rstd * rstd * rstd / T(a.cols);
    for (int64_t c = 0; c < a.cols; ++c) {
      if (a.dweight != nullptr) a.dweight[c] += dy[c] * x[c] * rstd;
      if (a.dx == nullptr) continue;
      T& dx = a.dx[r * a.cols + c];
      dx = (a.add_dx ? dx : T(0)) + dy[c] * (T(a.weight_offset) + a.weight[c]) * rstd - x[c] * dot;
    }
  }
}

}  // namespace maru::kernels::reference
