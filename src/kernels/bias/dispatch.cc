#include "kernels/bias/bias.h"
#include "kernels/bias/reference.h"

namespace maru::kernels {

template <class T>
void bias_forward(CpuStream& stream, const BiasForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { bias_forward<isa>(*stream.pool, a); });
  } else {
    reference::bias_forward(a);
  }
}

template <class T>
void bias_backward(CpuStream& stream, const BiasBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { bias_backward<isa>(*stream.pool, a); });
  } else {
    reference::bias_backward(a);
  }
}

template <class T>
void scale_columns(CpuStream& stream, const ScaleColumns<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { scale_columns<isa>(*stream.pool, a); });
  } else {
    reference::scale_columns(a);
  }
}

template <class T>
void scale_columns_backward(CpuStream& stream, const ScaleColumnsBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { scale_columns_backward<isa>(*stream.pool, a); });
  } else {
    reference::scale_columns_backward(a);
  }
}

template void bias_forward(CpuStream&, const BiasForward<float>&);
template void bias_forward(CpuStream&, const BiasForward<bfloat16>&);
template void bias_forward(CpuStream&, const BiasForward<double>&);
template void bias_forward(CpuStream&, const BiasForward<std::complex<double>>&);
template void bias_backward(CpuStream&, const BiasBackward<float>&);
template void bias_backward(CpuStream&, const BiasBackward<bfloat16>&);
template void bias_backward(CpuStream&, const BiasBackward<double>&);
template void bias_backward(CpuStream&, const BiasBackward<std::complex<double>>&);
template void scale_columns(CpuStream&, const ScaleColumns<float>&);
template void scale_columns(CpuStream&, const ScaleColumns<bfloat16>&);
template void scale_columns(CpuStream&, const ScaleColumns<double>&);
template void scale_columns(CpuStream&, const ScaleColumns<std::complex<double>>&);
template void scale_columns_backward(CpuStream&, const ScaleColumnsBackward<float>&);
template void scale_columns_backward(CpuStream&, const ScaleColumnsBackward<bfloat16>&);
template void scale_columns_backward(CpuStream&, const ScaleColumnsBackward<double>&);
template void scale_columns_backward(CpuStream&, const ScaleColumnsBackward<std::complex<double>>&);

}  // namespace maru::kernels
