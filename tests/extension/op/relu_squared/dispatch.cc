// From a stream to the code of its instruction set, or to the reference.
#include "relu_squared/reference.h"
#include "relu_squared/relu_squared.h"

namespace maru::kernels {

template <class T>
void relu_squared_forward(CpuStream& stream, const ReluSquaredForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { relu_squared_forward<isa>(*stream.pool, a); });
  } else {
    reference::relu_squared_forward(a);
  }
}

template <class T>
void relu_squared_backward(CpuStream& stream, const ReluSquaredBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { relu_squared_backward<isa>(*stream.pool, a); });
  } else {
    reference::relu_squared_backward(a);
  }
}

template void relu_squared_forward(CpuStream&, const ReluSquaredForward<float>&);
template void relu_squared_forward(CpuStream&, const ReluSquaredForward<bfloat16>&);
template void relu_squared_forward(CpuStream&, const ReluSquaredForward<double>&);
template void relu_squared_forward(CpuStream&, const ReluSquaredForward<std::complex<double>>&);
template void relu_squared_backward(CpuStream&, const ReluSquaredBackward<float>&);
template void relu_squared_backward(CpuStream&, const ReluSquaredBackward<bfloat16>&);
template void relu_squared_backward(CpuStream&, const ReluSquaredBackward<double>&);
template void relu_squared_backward(CpuStream&, const ReluSquaredBackward<std::complex<double>>&);

}  // namespace maru::kernels
