#include "kernels/pooling/pooling.h"
#include "kernels/pooling/reference.h"

namespace maru::kernels {

template <class T>
void pooling_forward(CpuStream& stream, const PoolingForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { pooling_forward<isa>(*stream.pool, a); });
  } else {
    reference::pooling_forward(a);
  }
}

template <class T>
void pooling_backward(CpuStream& stream, const PoolingBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { pooling_backward<isa>(*stream.pool, a); });
  } else {
    reference::pooling_backward(a);
  }
}

template void pooling_forward(CpuStream&, const PoolingForward<float>&);
template void pooling_forward(CpuStream&, const PoolingForward<bfloat16>&);
template void pooling_forward(CpuStream&, const PoolingForward<double>&);
template void pooling_forward(CpuStream&, const PoolingForward<std::complex<double>>&);
template void pooling_backward(CpuStream&, const PoolingBackward<float>&);
template void pooling_backward(CpuStream&, const PoolingBackward<bfloat16>&);
template void pooling_backward(CpuStream&, const PoolingBackward<double>&);
template void pooling_backward(CpuStream&, const PoolingBackward<std::complex<double>>&);

}  // namespace maru::kernels
