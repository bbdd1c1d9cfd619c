// Rotary position embedding in its plainest form.
#pragma once
#include "kernels/rope/rope.h"

namespace maru::kernels::reference {

template <class T>
void rope_head(const Rope<T>& a, const T* cos, const T* sin, const T* x, T* y) {
  const int64_t half = a.rotary_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t at = a.interleaved ? 2 * i : i, other = a.interleaved ? 2 * i + 1 : i + half;
    const T s = a.inverse ? -sin[i] : sin[i], first = x[at], second = x[other];
    y[at] = (a.add ? y[at] : T(0)) + first * cos[i] - second * s;
    y[other] = (a.add ? y[other] : T(0)) + second * cos[i] + first * s;
  }
  for (int64_t i = 2 * half; i < a.head_dim; ++i) y[i] = (a.add ? y[i] : T(0)) + x[i];
}

template <class T>
void rope(const Rope<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const int64_t angles = a.positions[r] * (a.rotary_dim / 2);
    for (int64_t h = 0; h < a.heads; ++h)
      rope_head(a, a.cos + angles, a.sin + angles, a.x + r * a.x_stride + h * a.head_dim,
                a.y + r * a.y_stride + h * a.head_dim);
  }
}

}  // namespace maru::kernels::reference
