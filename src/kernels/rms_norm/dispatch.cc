#include "kernels/rms_norm/reference.h"
#include "kernels/rms_norm/rms_norm.h"

namespace maru::kernels {

int64_t rms_norm_partials(const CpuStream&, int64_t rows, int64_t cols) { return divide_up(rows, rows_per_task(cols)); }

template <class T>
void rms_norm_forward(CpuStream& stream, const RmsNormForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { rms_norm_forward<isa>(*stream.pool, a); });
  } else {
    reference::rms_norm_forward(a);
  }
}

template <class T>
void rms_norm_backward(CpuStream& stream, const RmsNormBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { rms_norm_backward<isa>(*stream.pool, a); });
  } else {
    reference::rms_norm_backward(a);
  }
}

template void rms_norm_forward(CpuStream&, const RmsNormForward<float>&);
template void rms_norm_forward(CpuStream&, const RmsNormForward<bfloat16>&);
template void rms_norm_forward(CpuStream&, const RmsNormForward<double>&);
template void rms_norm_forward(CpuStream&, const RmsNormForward<std::complex<double>>&);
template void rms_norm_backward(CpuStream&, const RmsNormBackward<float>&);
template void rms_norm_backward(CpuStream&, const RmsNormBackward<bfloat16>&);
template void rms_norm_backward(CpuStream&, const RmsNormBackward<double>&);
template void rms_norm_backward(CpuStream&, const RmsNormBackward<std::complex<double>>&);

}  // namespace maru::kernels
