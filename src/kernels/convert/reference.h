// Conversions in their plainest form.
#pragma once
#include "kernels/convert/convert.h"

namespace maru::kernels::reference {

template <class To, class From>
To converted(From x) {
  if constexpr (std::is_same_v<To, bfloat16>)
    return to_bfloat16(static_cast<float>(x));
  else if constexpr (std::is_same_v<From, bfloat16>)
    return static_cast<To>(to_float(x));
  else if constexpr (std::is_same_v<From, std::complex<double>>)
    return static_cast<To>(x.real());
  else
    return static_cast<To>(x);
}

template <class To, class From>
void convert(const Convert<To, From>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = converted<To>(a.x[i]);
}

}  // namespace maru::kernels::reference
