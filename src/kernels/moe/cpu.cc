// The sum of experts, SIMD. Compiled once per instruction set.
#include "kernels/moe/moe.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
void combine_rows(ThreadPool& pool, const Combine<T>& a) {
  for_rows(pool, a.rows, a.cols * a.per_token, [&](int64_t r) {
    const float* weights = a.weights + r * a.per_token;
    const int32_t* places = a.places + r * a.per_token;
    for_lanes(a.cols, [&](int64_t c, int64_t n) {
      F32 sum;
      for (int64_t i = 0; i < a.per_token; ++i) sum = fma(F32(weights[i]), load(a.x + places[i] * a.cols + c, n), sum);
      store(a.y + r * a.cols + c, sum, n);
    });
  });
}

}  // namespace

template <>
void combine<kIsa>(ThreadPool& pool, const Combine<float>& a) {
  combine_rows(pool, a);
}
template <>
void combine<kIsa>(ThreadPool& pool, const Combine<bfloat16>& a) {
  combine_rows(pool, a);
}

}  // namespace maru::kernels
