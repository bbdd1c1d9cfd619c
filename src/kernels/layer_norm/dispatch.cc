#include "kernels/layer_norm/layer_norm.h"
#include "kernels/layer_norm/reference.h"

namespace maru::kernels {

int64_t layer_norm_partials(const CpuStream&, int64_t rows, int64_t cols) {
  return 2 * divide_up(rows, rows_per_task(cols));
}

template <class T>
void layer_norm_forward(CpuStream& stream, const LayerNormForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { layer_norm_forward<isa>(*stream.pool, a); });
  } else {
    reference::layer_norm_forward(a);
  }
}

template <class T>
void layer_norm_backward(CpuStream& stream, const LayerNormBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { layer_norm_backward<isa>(*stream.pool, a); });
  } else {
    reference::layer_norm_backward(a);
  }
}

template void layer_norm_forward(CpuStream&, const LayerNormForward<float>&);
template void layer_norm_forward(CpuStream&, const LayerNormForward<bfloat16>&);
template void layer_norm_forward(CpuStream&, const LayerNormForward<double>&);
template void layer_norm_forward(CpuStream&, const LayerNormForward<std::complex<double>>&);
template void layer_norm_backward(CpuStream&, const LayerNormBackward<float>&);
template void layer_norm_backward(CpuStream&, const LayerNormBackward<bfloat16>&);
template void layer_norm_backward(CpuStream&, const LayerNormBackward<double>&);
template void layer_norm_backward(CpuStream&, const LayerNormBackward<std::complex<double>>&);

}  // namespace maru::kernels
