#include <algorithm>
#include <cmath>

#include "kernels/lora/lora.h"

namespace maru::kernels {
namespace {

template <class T>
double as_double(T x) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return to_float(x);
  else
    return std::real(x);
}

// Four sums that do not wait for each other.
template <class T>
double sum_of_squares(const T* x, int64_t count) {
  double sums[4] = {};
  for (int64_t i = 0; i < count; ++i) {
    const double value = as_double(x[i]);
    sums[i % 4] += value * value;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template <class T>
double norm_of_row(const LoraRowNorms<T>& a, int64_t r) {
  double mixed = 0, own = 0;
  for (int64_t k = 0; k < a.rank; ++k) {
    const double factor = as_double(a.b[r * a.rank + k]);
    mixed += factor * as_double(a.a_w[k * a.rows + r]);
    own += factor * as_double(a.b_a_a[r * a.rank + k]);
  }
  const double squares = sum_of_squares(a.weight + r * a.cols, a.cols) + a.scale * (2 * mixed + a.scale * own);
  return std::sqrt(std::max(0.0, squares));
}

}  // namespace

template <class T>
void lora_row_norms(CpuStream& stream, const LoraRowNorms<T>& a) {
  stream.pool->parallel_for(a.rows, [&](int64_t r, int) { a.norms[r] = norm_of_row(a, r); });
}

template void lora_row_norms(CpuStream&, const LoraRowNorms<float>&);
template void lora_row_norms(CpuStream&, const LoraRowNorms<bfloat16>&);
template void lora_row_norms(CpuStream&, const LoraRowNorms<double>&);
template void lora_row_norms(CpuStream&, const LoraRowNorms<std::complex<double>>&);

template <class A>
void over_norms(CpuStream&, const OverNorms<A>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const A quotient = static_cast<A>(a.x[r] / a.norms[r]);
    a.y[r] = a.add ? a.y[r] + quotient : quotient;
  }
}

template void over_norms(CpuStream&, const OverNorms<float>&);
template void over_norms(CpuStream&, const OverNorms<double>&);
template void over_norms(CpuStream&, const OverNorms<std::complex<double>>&);

}  // namespace maru::kernels
