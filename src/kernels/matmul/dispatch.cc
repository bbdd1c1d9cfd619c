#include <algorithm>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/reference.h"

namespace maru::kernels {
namespace {

// Grouped products come in few sizes, so that their scratch is known before the groups are: up to kFew rows exactly,
// then multiples of it. The rows too many are the next group's, whose turn comes later, or spare ones at the end.
constexpr int64_t kFew = 8, kMost = 256;

int64_t piece_of(int64_t rows) {
  if (rows >= kMost) return kMost;
  return rows <= kFew ? rows : divide_up(rows, kFew) * kFew;
}

template <class T>
void multiply_group(CpuStream& stream, const GroupedMatmul<T>& x, int64_t group) {
  const int64_t last = x.first[group + 1];
  for (int64_t row = x.first[group], m = 0; row < last; row += m) {
    m = piece_of(last - row);
    matmul<T, T>(stream, {.c = x.y + row * x.n,
                          .ldc = x.n,
                          .a = x.x + row * x.k,
                          .lda = x.k,
                          .b = x.weights[group],
                          .ldb = x.k,
                          .transpose_b = true,
                          .m = m,
                          .n = x.n,
                          .k = x.k,
                          .scratch = x.scratch});
  }
}

// Gradients are added, so that a piece may not reach into the next group: all sizes up to kMost come, and sums over
// rows are cut at kDepth.
constexpr int64_t kDepth = 1024;

template <class T>
void input_gradient(CpuStream& stream, const GroupedMatmulBackward<T>& x, int64_t group) {
  for (int64_t row = x.first[group]; row < x.first[group + 1]; row += kMost)
    matmul<T, T>(stream, {.c = x.dx + row * x.k,
                          .ldc = x.k,
                          .a = x.dy + row * x.n,
                          .lda = x.n,
                          .b = x.weights[group],
                          .ldb = x.k,
                          .m = std::min(kMost, x.first[group + 1] - row),
                          .n = x.k,
                          .k = x.n,
                          .add = x.add_dx,
                          .scratch = x.scratch});
}

template <class T>
void weight_gradient(CpuStream& stream, const GroupedMatmulBackward<T>& x, int64_t group) {
  for (int64_t row = x.first[group]; row < x.first[group + 1]; row += kDepth)
    matmul<T, Accumulator<T>>(stream, {.c = x.dweights[group],
                                       .ldc = x.k,
                                       .a = x.dy + row * x.n,
                                       .lda = x.n,
                                       .transpose_a = true,
                                       .b = x.x + row * x.k,
                                       .ldb = x.k,
                                       .m = x.n,
                                       .n = x.k,
                                       .k = std::min(kDepth, x.first[group + 1] - row),
                                       .add = true,
                                       .scratch = x.scratch});
}

}  // namespace

template <class T>
int64_t matmul_packed_bytes(const CpuStream& stream, int64_t n, int64_t k) {
  if constexpr (!kIsSimd<T>) return n * k * static_cast<int64_t>(sizeof(T));
  int64_t bytes = 0;
  if constexpr (kIsSimd<T>) with_tiles_isa(stream.isa, [&]<Isa isa>() { bytes = matmul_packed_bytes<isa, T>(n, k); });
  return bytes;
}

template <class T>
int64_t matmul_scratch_bytes(const CpuStream& stream, int64_t m, int64_t n, int64_t k) {
  int64_t bytes = 0;
  if constexpr (kIsSimd<T>)
    with_tiles_isa(stream.isa, [&]<Isa isa>() { bytes = matmul_scratch_bytes<isa, T>(stream.pool->size(), m, n, k); });
  return bytes;
}

template <class T, class C>
void matmul(CpuStream& stream, const Matmul<T, C>& x) {
  if constexpr (kIsSimd<T>) {
    with_tiles_isa(stream.isa, [&]<Isa isa>() { matmul<isa>(*stream.pool, x); });
  } else {
    reference::matmul(x);
  }
}

int64_t grouped_spare_rows(const CpuStream&) { return kFew; }

template <class T>
int64_t grouped_matmul_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t n, int64_t k) {
  int64_t most = 0;
  for (int64_t m = 1; m <= std::min(kMost, piece_of(rows)); m = m < kFew ? m + 1 : m + kFew)
    most = std::max(most, matmul_scratch_bytes<T>(stream, m, n, k));
  return most;
}

template <class T>
int64_t grouped_matmul_backward_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t n, int64_t k) {
  int64_t most = 0;
  for (int64_t m = 1; m <= std::min(kMost, rows); ++m) most = std::max(most, matmul_scratch_bytes<T>(stream, m, k, n));
  for (int64_t d = 1; d <= std::min(kDepth, rows); ++d) most = std::max(most, matmul_scratch_bytes<T>(stream, n, k, d));
  return most;
}

template <class T>
void grouped_matmul_backward(CpuStream& stream, const GroupedMatmulBackward<T>& x) {
  for (int64_t group = 0; group < x.groups; ++group) {
    if (x.dx != nullptr) input_gradient(stream, x, group);
    if (x.dweights[group] != nullptr) weight_gradient(stream, x, group);
  }
  const int64_t last = x.first[x.groups];
  if (x.dx != nullptr && !x.add_dx) std::fill_n(x.dx + last * x.k, (x.rows - last) * x.k, T{});
}

template <class T>
void grouped_matmul(CpuStream& stream, const GroupedMatmul<T>& x) {
  for (int64_t group = 0; group < x.groups; ++group) multiply_group(stream, x, group);
  const int64_t last = x.first[x.groups];
  std::fill_n(x.y + last * x.n, (x.rows - last) * x.n, T{});
}

template <class T>
void matmul_pack(CpuStream& stream, const MatmulPack<T>& x) {
  if constexpr (kIsSimd<T>) {
    with_tiles_isa(stream.isa, [&]<Isa isa>() { matmul_pack<isa>(*stream.pool, x); });
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
template void grouped_matmul(CpuStream&, const GroupedMatmul<float>&);
template void grouped_matmul(CpuStream&, const GroupedMatmul<bfloat16>&);
template void grouped_matmul(CpuStream&, const GroupedMatmul<double>&);
template void grouped_matmul(CpuStream&, const GroupedMatmul<Complex>&);
template void grouped_matmul_backward(CpuStream&, const GroupedMatmulBackward<float>&);
template void grouped_matmul_backward(CpuStream&, const GroupedMatmulBackward<bfloat16>&);
template void grouped_matmul_backward(CpuStream&, const GroupedMatmulBackward<double>&);
template void grouped_matmul_backward(CpuStream&, const GroupedMatmulBackward<Complex>&);
template int64_t grouped_matmul_backward_scratch_bytes<float>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_backward_scratch_bytes<bfloat16>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_backward_scratch_bytes<double>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_backward_scratch_bytes<Complex>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_scratch_bytes<float>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_scratch_bytes<bfloat16>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_scratch_bytes<double>(const CpuStream&, int64_t, int64_t, int64_t);
template int64_t grouped_matmul_scratch_bytes<Complex>(const CpuStream&, int64_t, int64_t, int64_t);
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
