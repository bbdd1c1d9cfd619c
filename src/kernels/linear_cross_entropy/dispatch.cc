#include "kernels/linear_cross_entropy/linear_cross_entropy.h"
#include "kernels/linear_cross_entropy/reference.h"

namespace maru::kernels {

template <class T>
int64_t linear_cross_entropy_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t vocab, int64_t dim,
                                           bool gradients) {
  int64_t bytes = 0;
  if constexpr (kIsSimd<T>)
    with_tiles_isa(stream.isa, [&]<Isa isa>() {
      bytes = linear_cross_entropy_scratch_bytes<isa, T>(stream.pool->size(), rows, vocab, dim, gradients);
    });
  return bytes;
}

template <class T>
void linear_cross_entropy(CpuStream& stream, const LinearCrossEntropy<T>& x) {
  if constexpr (kIsSimd<T>) {
    with_tiles_isa(stream.isa, [&]<Isa isa>() { linear_cross_entropy<isa>(*stream.pool, x); });
  } else {
    reference::linear_cross_entropy(x);
  }
}

template <class T>
void cross_entropy(CpuStream& stream, const CrossEntropy<T>& x) {
  if constexpr (kIsSimd<T>) {
    with_tiles_isa(stream.isa, [&]<Isa isa>() { cross_entropy<isa>(*stream.pool, x); });
  } else {
    reference::cross_entropy(x);
  }
}

using Complex = std::complex<double>;
template int64_t linear_cross_entropy_scratch_bytes<float>(const CpuStream&, int64_t, int64_t, int64_t, bool);
template int64_t linear_cross_entropy_scratch_bytes<bfloat16>(const CpuStream&, int64_t, int64_t, int64_t, bool);
template int64_t linear_cross_entropy_scratch_bytes<double>(const CpuStream&, int64_t, int64_t, int64_t, bool);
template int64_t linear_cross_entropy_scratch_bytes<Complex>(const CpuStream&, int64_t, int64_t, int64_t, bool);
template void linear_cross_entropy(CpuStream&, const LinearCrossEntropy<float>&);
template void linear_cross_entropy(CpuStream&, const LinearCrossEntropy<bfloat16>&);
template void linear_cross_entropy(CpuStream&, const LinearCrossEntropy<double>&);
template void linear_cross_entropy(CpuStream&, const LinearCrossEntropy<Complex>&);
template void cross_entropy(CpuStream&, const CrossEntropy<float>&);
template void cross_entropy(CpuStream&, const CrossEntropy<double>&);

}  // namespace maru::kernels
