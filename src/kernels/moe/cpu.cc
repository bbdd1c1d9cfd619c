// The sum of experts, SIMD. Compiled once per instruction set.
#include "kernels/moe/moe.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
void combine_rows(ThreadPool& pool, const Combine<T>& a) {
  for_rows(pool, a.rows, a.cols * a.per_token, [&](int64_t r) {
    const float* weights = a.weights != nullptr ? a.weights + r * a.per_token : nullptr;
    const int32_t* places = a.places + r * a.per_token;
    T* y = a.y + r * a.cols;
    for_lanes(a.cols, [&](int64_t c, int64_t n) {
      F32 sum;
      for (int64_t i = 0; i < a.per_token; ++i)
        sum = fma(F32(weights != nullptr ? weights[i] : 1.0f), load(a.x + places[i] * a.cols + c, n), sum);
      store(y + c, a.add_y ? sum + load(y + c, n) : sum, n);
    });
  });
}

// One row of x and its weight: nobody else's.
template <class T>
void backward_of_pair(const CombineBackward<T>& a, int64_t row, int64_t pair) {
  const int64_t at = a.places[pair] * a.cols;
  const T *dy = a.dy + row * a.cols, *x = a.x + at;
  T* dx = a.dx != nullptr ? a.dx + at : nullptr;
  const F32 weight(a.weights[pair]);
  F32 dot;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 d = load(dy + c, n);
    dot = fma(d, load(x + c, n), dot);
    if (dx == nullptr) return;
    store(dx + c, a.add_dx ? fma(d, weight, load(dx + c, n)) : d * weight, n);
  });
  if (a.dweights != nullptr) a.dweights[pair] = reduce_add(dot) + (a.add_dweights ? a.dweights[pair] : 0.0f);
}

template <class T>
void combine_backward_rows(ThreadPool& pool, const CombineBackward<T>& a) {
  const int64_t pairs = a.rows * a.per_token, spare = a.grouped_rows - pairs;
  if (a.dx != nullptr && !a.add_dx)
    __builtin_memset(static_cast<void*>(a.dx + pairs * a.cols), 0, static_cast<size_t>(spare * a.cols) * sizeof(T));
  for_rows(pool, a.rows, a.cols * a.per_token, [&](int64_t r) {
    for (int64_t i = 0; i < a.per_token; ++i) backward_of_pair(a, r, r * a.per_token + i);
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
template <>
void combine_backward<kIsa>(ThreadPool& pool, const CombineBackward<float>& a) {
  combine_backward_rows(pool, a);
}
template <>
void combine_backward<kIsa>(ThreadPool& pool, const CombineBackward<bfloat16>& a) {
  combine_backward_rows(pool, a);
}

}  // namespace maru::kernels
