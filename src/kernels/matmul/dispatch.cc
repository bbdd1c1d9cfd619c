#include "kernels/matmul/matmul.h"
#include "kernels/matmul/reference.h"

namespace maru::kernels {

template <class T>
int64_t matmul_packed_bytes(const CpuStream& stream, int64_t n, int64_t k) {
  if constexpr (!kIsSimd<T>) return n * k * static_cast<int64_t>(sizeof(T));
  int64_t bytes = 0;
  if constexpr (kIsSimd<T>) with_isa(stream.isa, [&]<Isa isa>() { bytes = matmul_packed_bytes<isa, T>(n, k); });
  return bytes;
}

template <class T>
int64_t matmul_scratch_bytes(const CpuStream& stream, int64_t m, int64_t n, int64_t k) {
  int64_t bytes = 0;
  if constexpr (kIsSimd<T>)
    with_isa(stream.isa, [&]<Isa isa>() { bytes = matmul_scratch_bytes<isa, T>(stream.pool->size(), m, n, k); });
  return bytes;
}

template <class T, class C>
void matmul(CpuStream& stream, const Matmul<T, C>& x) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { matmul<isa>(*stream.pool, x); });
  } else {
    reference::matmul(x);
  }
}

template <class T>
void matmul_pack(CpuStream& stream, const MatmulPack<T>& x) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { matmul_pack<isa>(*stream.pool, x); });
  } else {
    reference::matmul_pack(x);
  }
}

using Complex = std::complex<double>;
template void matmul(CpuStream&, const Matmul<float>&);
template void matmul(CpuStream&, const Matmul<bfloat16>&);
template void matmul(CpuStream&, const Matmul<bfloat16, float>&);
template void matmul(CpuStream&, const Matmul<double>&);
template void matmul(CpuStream&, const Matmul<Complex>&);
template void matmul_pack(CpuStream&, const MatmulPack<float>&);
template void matmul_pack(CpuStream&, const MatmulPack<bfloat16>&);
template void matmul_pack(CpuStream&, const MatmulPack<double>&);
template void matmul_pack(CpuStream&, const MatmulPack<Complex>&);
template int64_t matmul_packed_bytes<float>(const CpuStream&, int64_t, int64_t);
template int64_t matmul_packed_bytes<bfloat16>(const CpuStream&, int64_t, int64_t);
template int64_t matmul_packed_bytes<double>(const CpuStream&, int64_t, int64_t);
template int64_t matmul_packed_bytes<Complex>(const CpuStream&, int64_t, int64_t);
template int64_t matmul_scratch_bytes<float>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t matmul_scratch_bytes<bfloat16>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t matmul_scratch_bytes<double>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t matmul_scratch_bytes<Complex>(const CpuStream&, int64_t, int64_t, int64_t);

}  // namespace maru::kernels
