#include "kernels/divergence/divergence.h"
#include "kernels/divergence/reference.h"

namespace maru::kernels {

template <class T>
void divergence(CpuStream& stream, const Divergence<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { divergence<isa>(*stream.pool, a); });
  } else {
    reference::divergence(a);
  }
}

template void divergence(CpuStream&, const Divergence<float>&);
template void divergence(CpuStream&, const Divergence<double>&);
template void divergence(CpuStream&, const Divergence<std::complex<double>>&);

}  // namespace maru::kernels
