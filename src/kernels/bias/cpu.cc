// A vector for every row, SIMD. Compiled once per instruction set.
#include "kernels/bias/bias.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

constexpr int64_t kColumnsPerTask = 64;

template <class T>
void forward(ThreadPool& pool, const BiasForward<T>& a) {
  const size_t bytes = static_cast<size_t>(a.cols) * sizeof(T);
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { __builtin_memcpy(a.y + r * a.cols, a.bias, bytes); });
}

// The sums of one register's columns.
template <class T>
void add_columns(const BiasBackward<T>& a, int64_t column, int64_t n) {
  F32 sum;
  for (int64_t r = 0; r < a.rows; ++r) sum = sum + load(a.dy + r * a.cols + column, n);
  store(a.dbias + column, load(a.dbias + column, n) + sum, n);
}

template <class T>
void backward(ThreadPool& pool, const BiasBackward<T>& a) {
  pool.parallel_for(divide_up(a.cols, kColumnsPerTask), [&](int64_t task, int) {
    const int64_t first = task * kColumnsPerTask, rest = a.cols - first;
    for_lanes(rest < kColumnsPerTask ? rest : kColumnsPerTask,
              [&](int64_t c, int64_t n) { add_columns(a, first + c, n); });
  });
}

template <class T>
void scale_row(const ScaleColumns<T>& a, int64_t r) {
  const F32 alpha(static_cast<float>(a.alpha));
  const int64_t row = r * a.cols;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 bias = a.bias != nullptr ? load(a.bias + c, n) : F32();
    store(a.y + row + c, fma(load(a.scale + c, n), fma(alpha, load(a.z + row + c, n), load(a.x + row + c, n)), bias),
          n);
  });
}

// Of one register's columns.
template <class T>
void scale_columns_of(const ScaleColumnsBackward<T>& a, int64_t c, int64_t n) {
  const F32 alpha(static_cast<float>(a.alpha)), scale = load(a.scale + c, n);
  F32 sum;
  for (int64_t r = 0; r < a.rows; ++r) {
    const int64_t at = r * a.cols + c;
    const F32 dy = load(a.dy + at, n), dx = scale * dy;
    if (a.dx != nullptr) store(a.dx + at, a.add_dx ? load(a.dx + at, n) + dx : dx, n);
    if (a.dz != nullptr) store(a.dz + at, a.add_dz ? fma(alpha, dx, load(a.dz + at, n)) : alpha * dx, n);
    if (a.dscale != nullptr) sum = fma(dy, fma(alpha, load(a.z + at, n), load(a.x + at, n)), sum);
  }
  if (a.dscale != nullptr) store(a.dscale + c, load(a.dscale + c, n) + sum, n);
}

template <class T>
void columns_backward(ThreadPool& pool, const ScaleColumnsBackward<T>& a) {
  pool.parallel_for(divide_up(a.cols, kColumnsPerTask), [&](int64_t task, int) {
    const int64_t first = task * kColumnsPerTask, rest = a.cols - first;
    for_lanes(rest < kColumnsPerTask ? rest : kColumnsPerTask,
              [&](int64_t c, int64_t n) { scale_columns_of(a, first + c, n); });
  });
}

}  // namespace

template <>
void bias_forward<kIsa>(ThreadPool& pool, const BiasForward<float>& a) {
  forward(pool, a);
}
template <>
void bias_forward<kIsa>(ThreadPool& pool, const BiasForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void bias_backward<kIsa>(ThreadPool& pool, const BiasBackward<float>& a) {
  backward(pool, a);
}
template <>
void bias_backward<kIsa>(ThreadPool& pool, const BiasBackward<bfloat16>& a) {
  backward(pool, a);
}

template <>
void scale_columns<kIsa>(ThreadPool& pool, const ScaleColumns<float>& a) {
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { scale_row(a, r); });
}
template <>
void scale_columns<kIsa>(ThreadPool& pool, const ScaleColumns<bfloat16>& a) {
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { scale_row(a, r); });
}

template <>
void scale_columns_backward<kIsa>(ThreadPool& pool, const ScaleColumnsBackward<float>& a) {
  columns_backward(pool, a);
}
template <>
void scale_columns_backward<kIsa>(ThreadPool& pool, const ScaleColumnsBackward<bfloat16>& a) {
  columns_backward(pool, a);
}

}  // namespace maru::kernels
