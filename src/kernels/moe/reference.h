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
        sum += a.weights[i] * a.x[a.places[i] * a.cols + c];
      a.y[r * a.cols + c] = sum;
    }
}

}  // namespace maru::kernels::reference
