#include "kernels/activation/activation.h"
#include "kernels/activation/reference.h"

namespace maru::kernels {

template <class T>
void activation_forward(CpuStream& stream, const ActivationForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { activation_forward<isa>(*stream.pool, a); });
  } else {
    reference::activation_forward(a);
  }
}

template <class T>
void activation_backward(CpuStream& stream, const ActivationBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { activation_backward<isa>(*stream.pool, a); });
  } else {
    reference::activation_backward(a);
  }
}

template <class T>
void gated_forward(CpuStream& stream, const GatedForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { gated_forward<isa>(*stream.pool, a); });
  } else {
    reference::gated_forward(a);
  }
}

template <class T>
void gated_backward(CpuStream& stream, const GatedBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { gated_backward<isa>(*stream.pool, a); });
  } else {
    reference::gated_backward(a);
  }
}

template <class T>
void soft_cap(CpuStream& stream, const SoftCap<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { soft_cap<isa>(*stream.pool, a); });
  } else {
    reference::soft_cap(a);
  }
}

template void activation_forward(CpuStream&, const ActivationForward<float>&);
template void activation_forward(CpuStream&, const ActivationForward<bfloat16>&);
template void activation_forward(CpuStream&, const ActivationForward<double>&);
template void activation_forward(CpuStream&, const ActivationForward<std::complex<double>>&);
template void activation_backward(CpuStream&, const ActivationBackward<float>&);
template void activation_backward(CpuStream&, const ActivationBackward<bfloat16>&);
template void activation_backward(CpuStream&, const ActivationBackward<double>&);
template void activation_backward(CpuStream&, const ActivationBackward<std::complex<double>>&);
template void gated_forward(CpuStream&, const GatedForward<float>&);
template void gated_forward(CpuStream&, const GatedForward<bfloat16>&);
template void gated_forward(CpuStream&, const GatedForward<double>&);
template void gated_forward(CpuStream&, const GatedForward<std::complex<double>>&);
template void gated_backward(CpuStream&, const GatedBackward<float>&);
template void gated_backward(CpuStream&, const GatedBackward<bfloat16>&);
template void gated_backward(CpuStream&, const GatedBackward<double>&);
template void gated_backward(CpuStream&, const GatedBackward<std::complex<double>>&);
template void soft_cap(CpuStream&, const SoftCap<float>&);
template void soft_cap(CpuStream&, const SoftCap<double>&);
template void soft_cap(CpuStream&, const SoftCap<std::complex<double>>&);

}  // namespace maru::kernels
