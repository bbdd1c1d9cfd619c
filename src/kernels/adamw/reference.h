// AdamW in its plainest form.
#pragma once
#include <cmath>

#include "kernels/adamw/adamw.h"

namespace maru::kernels::reference {

template <class T>
void adamw(const AdamW<T>& a) {
  T* master = a.master != nullptr ? a.master : a.parameter;
  for (int64_t i = 0; i < a.count; ++i) {
    const T g = T(a.gradient_scale) * a.gradient[i];
    a.m[i] = T(a.beta1) * a.m[i] + T(1 - a.beta1) * g;
    a.v[i] = T(a.beta2) * a.v[i] + T(1 - a.beta2) * g * g;
    const T mean = a.m[i] / T(1 - std::pow(a.beta1, a.step)), square = a.v[i] / T(1 - std::pow(a.beta2, a.step));
    master[i] -= T(a.lr * a.weight_decay) * master[i];
    master[i] -= T(a.lr) * mean / (std::sqrt(square) + T(a.eps));
    a.parameter[i] = master[i];
    if (a.zero_gradient) a.gradient[i] = 0;
  }
}

}  // namespace maru::kernels::reference
