// The sum of experts in its plainest form.
#pragma once
#include "kernels/moe/moe.h"

namespace maru::kernels::reference {

template <class T>
void combine(const Combine<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      T sum = 0;
      for (int64_t i = r * a.per_token; i < (r + 1) * a.per_token; ++i)
        sum += (a.weights != nullptr ? a.weights[i] : T(1)) * a.x[a.places[i] * a.cols + c];
      a.y[r * a.cols + c] = sum + (a.add_y ? a.y[r * a.cols + c] : T(0));
    }
}

template <class T>
void combine_backward(const CombineBackward<T>& a) {
  const int64_t pairs = a.rows * a.per_token;
  for (int64_t i = pairs * a.cols; i < a.grouped_rows * a.cols && a.dx != nullptr && !a.add_dx; ++i) a.dx[i] = T(0);
  for (int64_t i = 0; i < pairs; ++i) {
    T dot = 0;
    for (int64_t c = 0; c < a.cols; ++c) {
      const int64_t at = a.places[i] * a.cols + c;
      const T dy = a.dy[i / a.per_token * a.cols + c];
      dot += dy * a.x[at];
      if (a.dx != nullptr) a.dx[at] = (a.add_dx ? a.dx[at] : T(0)) + dy * a.weights[i];
    }
    if (a.dweights != nullptr) a.dweights[i] = (a.add_dweights ? a.dweights[i] : T(0)) + dot;
  }
}

}  // namespace maru::kernels::reference
