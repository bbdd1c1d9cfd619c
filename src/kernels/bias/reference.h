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

template <class T>
void scale_columns(const ScaleColumns<T>& a) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const int64_t c = i % a.cols;
    a.y[i] = a.scale[c] * (a.x[i] + T(a.alpha) * a.z[i]) + (a.bias != nullptr ? a.bias[c] : T(0));
  }
}

template <class T>
void scale_columns_backward(const ScaleColumnsBackward<T>& a) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const int64_t c = i % a.cols;
    const T dx = a.scale[c] * a.dy[i];
    if (a.dx != nullptr) a.dx[i] = (a.add_dx ? a.dx[i] : T(0)) + dx;
    if (a.dz != nullptr) a.dz[i] = (a.add_dz ? a.dz[i] : T(0)) + T(a.alpha) * dx;
    if (a.dscale != nullptr) a.dscale[c] += a.dy[i] * (a.x[i] + T(a.alpha) * a.z[i]);
  }
}

}  // namespace maru::kernels::reference
