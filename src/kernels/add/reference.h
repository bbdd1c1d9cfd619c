// Elementwise sums in their plainest form.
#pragma once
#include "kernels/add/add.h"

namespace maru::kernels::reference {

template <class T>
void add(const Add<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = a.x[i] + T(a.alpha) * a.z[i];
}

template <class T>
void scale(const Scale<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = (a.add ? a.y[i] : T(0)) + T(a.alpha) * a.x[i];
}

template <class T>
void accumulate(const Accumulate<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.sum[i] += T(a.alpha) * a.x[i];
}

}  // namespace maru::kernels::reference
