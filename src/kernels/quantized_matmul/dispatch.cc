#include <algorithm>
#include <atomic>

#include "kernels/quantized_matmul/quantize.h"
#include "kernels/quantized_matmul/quantized_matmul.h"
#include "kernels/quantized_matmul/reference.h"

namespace maru::kernels {
namespace {

bool all_finite(const float16* x, int64_t n) {
  bool finite = true;
  for (int64_t i = 0; i < n; ++i) finite &= (x[i].bits & 0x7c00u) != 0x7c00u;
  return finite;
}

}  // namespace

int64_t quantized_matmul_scratch_bytes(const CpuStream&, int64_t m, int64_t k) {
  constexpr int64_t kGroups = kQuantizedChunk / kQuantizedGroup;
  return m * divide_up(k, kQuantizedChunk) * (kGroups * (kQuantizedGroup + 4) + 4);
}

template <class T, class C>
void quantized_matmul(CpuStream& stream, const QuantizedMatmul<T, C>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { quantized_matmul<isa>(*stream.pool, a); });
  } else {
    reference::quantized_matmul(a);
  }
}

template <class T>
void quantized_rows(CpuStream& stream, const QuantizedRows<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { quantized_rows<isa>(*stream.pool, a); });
  } else {
    reference::quantized_rows(a);
  }
}

template <class T>
void quantized_grouped_matmul(CpuStream& stream, const QuantizedGroupedMatmul<T>& a) {
  const int64_t n = a.weights[0].n, k = a.weights[0].k, last = a.first[a.groups];
  for (int64_t e = 0; e < a.groups; ++e)
    quantized_matmul<T, T>(stream, {.c = a.c + a.first[e] * n,
                                    .ldc = n,
                                    .x = a.x + a.first[e] * k,
                                    .ldx = k,
                                    .m = a.first[e + 1] - a.first[e],
                                    .w = a.weights[e],
                                    .scratch = a.scratch});
  std::fill_n(a.c + last * n, (a.rows - last) * n, T{});
}

template <class T>
void quantize_matrix(CpuStream& stream, const QuantizeMatrix<T>& a) {
  std::atomic<bool> fits = true;
  stream.pool->parallel_for(quantized_panels(a.n), [&](int64_t panel, int) {
    for (int64_t lane = 0; lane < kQuantizedPanel; ++lane)
      if (!quantize_row(a, panel * kQuantizedPanel + lane)) fits = false;
  });
  *a.fits = fits ? 1 : 0;
}

bool pack_quantized_panel(const CpuStream& stream, const PackQuantizedPanel& a) {
  with_isa(stream.isa, [&]<Isa isa>() { pack_quantized_panel<isa>(a); });
  const int64_t factors = quantized_groups(a.k) * kQuantizedPanel;
  return all_finite(a.scales, factors) && (a.offsets == nullptr || all_finite(a.offsets, factors));
}

template void quantized_matmul(CpuStream&, const QuantizedMatmul<float>&);
template void quantized_matmul(CpuStream&, const QuantizedMatmul<bfloat16>&);
template void quantized_matmul(CpuStream&, const QuantizedMatmul<bfloat16, float>&);
template void quantized_matmul(CpuStream&, const QuantizedMatmul<double>&);
template void quantized_grouped_matmul(CpuStream&, const QuantizedGroupedMatmul<float>&);
template void quantized_grouped_matmul(CpuStream&, const QuantizedGroupedMatmul<bfloat16>&);
template void quantized_grouped_matmul(CpuStream&, const QuantizedGroupedMatmul<double>&);
template void quantized_rows(CpuStream&, const QuantizedRows<float>&);
template void quantized_rows(CpuStream&, const QuantizedRows<bfloat16>&);
template void quantized_rows(CpuStream&, const QuantizedRows<double>&);
template void quantize_matrix(CpuStream&, const QuantizeMatrix<float>&);
template void quantize_matrix(CpuStream&, const QuantizeMatrix<bfloat16>&);

}  // namespace maru::kernels
