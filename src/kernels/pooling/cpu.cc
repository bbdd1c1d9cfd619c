// One vector per sequence, SIMD. Compiled once per instruction set.
#include "kernels/pooling/pooling.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
void pool_span(const PoolingForward<T>& a, int64_t span) {
  const PooledRows s = pooled_rows(a.spans[span], a.pooling);
  const T* x = a.x + s.first * a.cols;
  const F32 share(1.0f / static_cast<float>(s.rows));
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    F32 sum;
    for (int64_t r = 0; r < s.rows; ++r) sum = sum + load(x + r * a.cols + c, n);
    store(a.y + span * a.cols + c, sum * share, n);
  });
}

template <class T>
void spread_span(const PoolingBackward<T>& a, int64_t span) {
  const PooledRows s = pooled_rows(a.spans[span], a.pooling);
  const F32 share(1.0f / static_cast<float>(s.rows));
  for (int64_t r = 0; r < s.rows; ++r) {
    T* dx = a.dx + (s.first + r) * a.cols;
    for_lanes(a.cols, [&](int64_t c, int64_t n) {
      const F32 value = load(a.dy + span * a.cols + c, n) * share;
      store(dx + c, a.add_dx ? value + load(dx + c, n) : value, n);
    });
  }
}

template <class T>
void forward(ThreadPool& pool, const PoolingForward<T>& a) {
  pool.parallel_for(a.num_spans, [&](int64_t span, int) { pool_span(a, span); });
}

template <class T>
void backward(ThreadPool& pool, const PoolingBackward<T>& a) {
  if (!a.add_dx) __builtin_memset(static_cast<void*>(a.dx), 0, static_cast<size_t>(a.rows * a.cols) * sizeof(T));
  pool.parallel_for(a.num_spans, [&](int64_t span, int) { spread_span(a, span); });
}

}  // namespace

template <>
void pooling_forward<kIsa>(ThreadPool& pool, const PoolingForward<float>& a) {
  forward(pool, a);
}
template <>
void pooling_forward<kIsa>(ThreadPool& pool, const PoolingForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void pooling_backward<kIsa>(ThreadPool& pool, const PoolingBackward<float>& a) {
  backward(pool, a);
}
template <>
void pooling_backward<kIsa>(ThreadPool& pool, const PoolingBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
