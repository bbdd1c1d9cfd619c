// SwiGLU in its plainest form.
#pragma once
#include <cmath>

#include "kernels/swiglu/swiglu.h"

namespace maru::kernels::reference {

template <class T>
T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class T>
void swiglu_forward(const SwigluForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const T gate = a.gate[r * a.stride + c];
      a.y[r * a.cols + c] = gate * sigmoid(gate) * a.up[r * a.stride + c];
    }
}

template <class T>
void swiglu_backward(const SwigluBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const int64_t i = r * a.stride + c;
      const T gate = a.gate[i], dy = a.dy[r * a.cols + c], s = sigmoid(gate);
      a.dgate[i] = (a.add_dgate ? a.dgate[i] : T(0)) + dy * a.up[i] * s * (T(1) + gate * (T(1) - s));
      a.dup[i] = (a.add_dup ? a.dup[i] : T(0)) + dy * gate * s;
    }
}

}  // namespace maru::kernels::reference
