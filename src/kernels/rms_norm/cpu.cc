// RMS normalisation, SIMD. Compiled once per instruction set.
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
float sum_of_squares(const T* x, int64_t cols) {
  F32 sum;
  for_lanes(cols, [&](int64_t c, int64_t n) {
    const F32 v = load(x + c, n);
    sum = fma(v, v, sum);
  });
  return reduce_add(sum);
}

template <class T>
void forward_row(const RmsNormForward<T>& a, int64_t row) {
  const T* x = a.x + row * a.cols;
  T* y = a.y + row * a.cols;
  const float mean = sum_of_squares(x, a.cols) / static_cast<float>(a.cols);
  const float rstd = 1.0f / __builtin_sqrtf(mean + static_cast<float>(a.eps));
  if (a.rstd != nullptr) a.rstd[row] = rstd;
  const F32 offset(static_cast<float>(a.weight_offset));
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    store(y + c, load(x + c, n) * F32(rstd) * (offset + load(a.weight + c, n)), n);
  });
}

template <class T>
void backward_row(const RmsNormBackward<T>& a, int64_t row, float* dweight) {
  const T *x = a.x + row * a.cols, *dy = a.dy + row * a.cols;
  const float rstd = a.rstd[row];
  const F32 offset(static_cast<float>(a.weight_offset));
  F32 sum;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 product = load(dy + c, n) * load(x + c, n);
    sum = fma(product, offset + load(a.weight + c, n), sum);
    if (dweight != nullptr) store(dweight + c, fma(product, F32(rstd), load(dweight + c, n)), n);
  });
  if (a.dx == nullptr) return;
  const F32 dot(reduce_add(sum) * rstd * rstd * rstd / static_cast<float>(a.cols));
  T* dx = a.dx + row * a.cols;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    F32 value = load(dy + c, n) * (offset + load(a.weight + c, n)) * F32(rstd) - load(x + c, n) * dot;
    if (a.add_dx) value = value + load(dx + c, n);
    store(dx + c, value, n);
  });
}

template <class T>
void backward_rows(const RmsNormBackward<T>& a, int64_t task) {
  const int64_t step = rows_per_task(a.cols), first = task * step, last = first + step < a.rows ? first + step : a.rows;
  float* dweight = a.dweight != nullptr ? a.partial + task * a.cols : nullptr;
  if (dweight != nullptr) __builtin_memset(dweight, 0, static_cast<size_t>(a.cols) * sizeof(float));
  for (int64_t r = first; r < last; ++r) backward_row(a, r, dweight);
}

template <class T>
void forward(ThreadPool& pool, const RmsNormForward<T>& a) {
  const int64_t step = rows_per_task(a.cols);
  pool.parallel_for(divide_up(a.rows, step), [&](int64_t task, int) {
    for (int64_t r = task * step; r < a.rows && r < (task + 1) * step; ++r) forward_row(a, r);
  });
}

template <class T>
void backward(ThreadPool& pool, const RmsNormBackward<T>& a) {
  const int64_t tasks = divide_up(a.rows, rows_per_task(a.cols));
  pool.parallel_for(tasks, [&](int64_t task, int) { backward_rows(a, task); });
  if (a.dweight == nullptr) return;
  for (int64_t task = 0; task < tasks; ++task)
    for_lanes(a.cols, [&](int64_t c, int64_t n) {
      store(a.dweight + c, load(a.dweight + c, n) + load(a.partial + task * a.cols + c, n), n);
    });
}

}  // namespace

template <>
void rms_norm_forward<kIsa>(ThreadPool& pool, const RmsNormForward<float>& a) {
  forward(pool, a);
}
template <>
void rms_norm_forward<kIsa>(ThreadPool& pool, const RmsNormForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void rms_norm_backward<kIsa>(ThreadPool& pool, const RmsNormBackward<float>& a) {
  backward(pool, a);
}
template <>
void rms_norm_backward<kIsa>(ThreadPool& pool, const RmsNormBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
