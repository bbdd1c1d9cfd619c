// Table lookup, SIMD. Compiled once per instruction set.
#include "kernels/embedding/embedding.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

// Columns per backward task: a few cache lines of each row, so that tasks are many and lines are not shared.
constexpr int64_t kColumnsPerTask = 64;

template <class T>
void forward(ThreadPool& pool, const EmbeddingForward<T>& a) {
  const F32 multiplier(static_cast<float>(a.multiplier));
  for_rows(pool, a.rows, a.cols, [&](int64_t r) {
    const T* from = a.table + a.tokens[r] * a.cols;
    T* y = a.y + r * a.cols;
    for_lanes(a.cols, [&](int64_t c, int64_t n) { store(y + c, load(from + c, n) * multiplier, n); });
  });
}

template <class T>
void add_row(const EmbeddingBackward<T>& a, int64_t row, int64_t column, int64_t cols) {
  const T* dy = a.dy + row * a.cols + column;
  float* to = a.dtable + a.tokens[row] * a.cols + column;
  const F32 multiplier(static_cast<float>(a.multiplier));
  for_lanes(cols, [&](int64_t c, int64_t n) { store(to + c, fma(load(dy + c, n), multiplier, load(to + c, n)), n); });
}

template <class T>
void backward(ThreadPool& pool, const EmbeddingBackward<T>& a) {
  pool.parallel_for(divide_up(a.cols, kColumnsPerTask), [&](int64_t task, int) {
    const int64_t column = task * kColumnsPerTask, rest = a.cols - column;
    for (int64_t r = 0; r < a.rows; ++r) add_row(a, r, column, rest < kColumnsPerTask ? rest : kColumnsPerTask);
  });
}

}  // namespace

template <>
void embedding_forward<kIsa>(ThreadPool& pool, const EmbeddingForward<float>& a) {
  forward(pool, a);
}
template <>
void embedding_forward<kIsa>(ThreadPool& pool, const EmbeddingForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void embedding_backward<kIsa>(ThreadPool& pool, const EmbeddingBackward<float>& a) {
  backward(pool, a);
}
template <>
void embedding_backward<kIsa>(ThreadPool& pool, const EmbeddingBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
