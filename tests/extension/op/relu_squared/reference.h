// The squared rectifier in its plainest form.
#pragma once
#include <complex>

#include "relu_squared/relu_squared.h"

namespace maru::kernels::reference {

template <class T>
T rectified(T x) {
  return std::real(x) > 0 ? x : T(0);
}

template <class T>
void relu_squared_forward(const ReluSquaredForward<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = rectified(a.x[i]) * rectified(a.x[i]);
}

template <class T>
void relu_squared_backward(const ReluSquaredBackward<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.dx[i] = (a.add_dx ? a.dx[i] : T(0)) + T(2) * rectified(a.x[i]) * a.dy[i];
}

}  // namespace maru::kernels::reference
