#include "kernels/swiglu/reference.h"
#include "kernels/swiglu/swiglu.h"

namespace maru::kernels {

template <class T>
void swiglu_forward(CpuStream& stream, const SwigluForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { swiglu_forward<isa>(*stream.pool, a); });
  } else {
    reference::swiglu_forward(a);
  }
}

template <class T>
void swiglu_backward(CpuStream& stream, const SwigluBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { swiglu_backward<isa>(*stream.pool, a); });
  } else {
    reference::swiglu_backward(a);
  }
}

template void swiglu_forward(CpuStream&, const SwigluForward<float>&);
template void swiglu_forward(CpuStream&, const SwigluForward<bfloat16>&);
template void swiglu_forward(CpuStream&, const SwigluForward<double>&);
template void swiglu_forward(CpuStream&, const SwigluForward<std::complex<double>>&);
template void swiglu_backward(CpuStream&, const SwigluBackward<float>&);
template void swiglu_backward(CpuStream&, const SwigluBackward<bfloat16>&);
template void swiglu_backward(CpuStream&, const SwigluBackward<double>&);
template void swiglu_backward(CpuStream&, const SwigluBackward<std::complex<double>>&);

}  // namespace maru::kernels
