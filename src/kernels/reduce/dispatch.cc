#include <cmath>

#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reference.h"

namespace maru::kernels {

int64_t reduce_partials(const CpuStream&, int64_t count) { return divide_up(count, kElementsPerTask); }

template <class T>
void sum_of_squares(CpuStream& stream, const Reduce<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { sums_of_squares<isa>(*stream.pool, a); });
    double sum = 0;
    for (int64_t i = 0; i < reduce_partials(stream, a.count); ++i) sum += a.partial[i];
    *a.result = sum;
  } else {
    *a.result = reference::sum_of_squares(a);
  }
}

template <class T>
void max_abs(CpuStream& stream, const Reduce<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { maxima<isa>(*stream.pool, a); });
    *a.result = reference::max_abs(Reduce<double>{.x = a.partial, .count = reduce_partials(stream, a.count)});
  } else {
    *a.result = reference::max_abs(a);
  }
}

template void sum_of_squares(CpuStream&, const Reduce<float>&);
template void sum_of_squares(CpuStream&, const Reduce<double>&);
template void max_abs(CpuStream&, const Reduce<float>&);
template void max_abs(CpuStream&, const Reduce<double>&);

}  // namespace maru::kernels
