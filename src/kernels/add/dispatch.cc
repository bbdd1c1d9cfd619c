#include "kernels/add/add.h"
#include "kernels/add/reference.h"

namespace maru::kernels {

template <class T>
void add(CpuStream& stream, const Add<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { add<isa>(*stream.pool, a); });
  } else {
    reference::add(a);
  }
}

template <class T>
void scale(CpuStream& stream, const Scale<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { scale<isa>(*stream.pool, a); });
  } else {
    reference::scale(a);
  }
}

template <class T>
void accumulate(CpuStream& stream, const Accumulate<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { accumulate<isa>(*stream.pool, a); });
  } else {
    reference::accumulate(a);
  }
}

template void add(CpuStream&, const Add<float>&);
template void add(CpuStream&, const Add<bfloat16>&);
template void add(CpuStream&, const Add<double>&);
template void add(CpuStream&, const Add<std::complex<double>>&);
template void scale(CpuStream&, const Scale<float>&);
template void scale(CpuStream&, const Scale<bfloat16>&);
template void scale(CpuStream&, const Scale<double>&);
template void scale(CpuStream&, const Scale<std::complex<double>>&);
template void accumulate(CpuStream&, const Accumulate<float>&);
template void accumulate(CpuStream&, const Accumulate<bfloat16>&);
template void accumulate(CpuStream&, const Accumulate<double>&);
template void accumulate(CpuStream&, const Accumulate<std::complex<double>>&);

}  // namespace maru::kernels
