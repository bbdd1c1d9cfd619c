#include "kernels/embedding/embedding.h"
#include "kernels/embedding/reference.h"

namespace maru::kernels {

template <class T>
void embedding_forward(CpuStream& stream, const EmbeddingForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { embedding_forward<isa>(*stream.pool, a); });
  } else {
    reference::embedding_forward(a);
  }
}

template <class T>
void embedding_backward(CpuStream& stream, const EmbeddingBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { embedding_backward<isa>(*stream.pool, a); });
  } else {
    reference::embedding_backward(a);
  }
}

template void embedding_forward(CpuStream&, const EmbeddingForward<float>&);
template void embedding_forward(CpuStream&, const EmbeddingForward<bfloat16>&);
template void embedding_forward(CpuStream&, const EmbeddingForward<double>&);
template void embedding_forward(CpuStream&, const EmbeddingForward<std::complex<double>>&);
template void embedding_backward(CpuStream&, const EmbeddingBackward<float>&);
template void embedding_backward(CpuStream&, const EmbeddingBackward<bfloat16>&);
template void embedding_backward(CpuStream&, const EmbeddingBackward<double>&);
template void embedding_backward(CpuStream&, const EmbeddingBackward<std::complex<double>>&);

}  // namespace maru::kernels
