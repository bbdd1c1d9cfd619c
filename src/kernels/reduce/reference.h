// Reductions in their plainest form.
#pragma once
#include <cmath>

#include "kernels/reduce/reduce.h"

namespace maru::kernels::reference {

template <class T>
double sum_of_squares(const Reduce<T>& a) {
  double sum = 0;
  for (int64_t i = 0; i < a.count; ++i) sum += static_cast<double>(a.x[i]) * static_cast<double>(a.x[i]);
  return sum;
}

template <class T>
double max_abs(const Reduce<T>& a) {
  double largest = 0;
  for (int64_t i = 0; i < a.count; ++i) {
    const double size = std::abs(static_cast<double>(a.x[i]));
    if (!std::isfinite(size)) return std::nan("");
    largest = size > largest ? size : largest;
  }
  return largest;
}

}  // namespace maru::kernels::reference
