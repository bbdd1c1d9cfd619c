#include <cmath>

#include "kernels/rope/reference.h"
#include "kernels/rope/rope.h"

namespace maru::kernels {

template <class T>
void rope(CpuStream& stream, const Rope<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { rope<isa>(*stream.pool, a); });
  } else {
    reference::rope(a);
  }
}

template void rope(CpuStream&, const Rope<float>&);
template void rope(CpuStream&, const Rope<bfloat16>&);
template void rope(CpuStream&, const Rope<double>&);
template void rope(CpuStream&, const Rope<std::complex<double>>&);

double rope_frequency(double theta, int64_t pair, int64_t rotary_dim) {
  return std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(rotary_dim));
}

namespace {

template <class A>
void table_entry(A& cos, A& sin, int64_t position, double frequency, double magnitude) {
  const double angle = static_cast<double>(position) * frequency;
  cos = static_cast<A>(magnitude * std::cos(angle));
  sin = static_cast<A>(magnitude * std::sin(angle));
}

}  // namespace

template <class A>
void rope_table(A* cos, A* sin, int64_t max_position, const double* frequencies, int64_t pairs, double magnitude) {
  for (int64_t p = 0; p < max_position; ++p)
    for (int64_t i = 0; i < pairs; ++i)
      table_entry(cos[p * pairs + i], sin[p * pairs + i], p, frequencies[i], magnitude);
}

template <class A>
void rope_table(A* cos, A* sin, int64_t max_position, int64_t rotary_dim, double theta) {
  const int64_t pairs = rotary_dim / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    const double frequency = rope_frequency(theta, i, rotary_dim);
    for (int64_t p = 0; p < max_position; ++p) table_entry(cos[p * pairs + i], sin[p * pairs + i], p, frequency, 1);
  }
}

template void rope_table(float*, float*, int64_t, const double*, int64_t, double);
template void rope_table(double*, double*, int64_t, const double*, int64_t, double);
template void rope_table(std::complex<double>*, std::complex<double>*, int64_t, const double*, int64_t, double);
template void rope_table(float*, float*, int64_t, int64_t, double);
template void rope_table(double*, double*, int64_t, int64_t, double);
template void rope_table(std::complex<double>*, std::complex<double>*, int64_t, int64_t, double);

}  // namespace maru::kernels
