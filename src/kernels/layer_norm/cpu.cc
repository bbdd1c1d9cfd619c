// Layer normalisation, SIMD. Compiled once per instruction set.
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
float mean_of(const T* x, int64_t cols) {
  F32 sum;
  for_lanes(cols, [&](int64_t c, int64_t n) { sum = sum + load(x + c, n); });
  return reduce_add(sum) / static_cast<float>(cols);
}

// keep_first: behind a row's end a load gives zeros, which are not the mean.
template <class T>
float variance_of(const T* x, int64_t cols, float mean) {
  F32 sum;
  for_lanes(cols, [&](int64_t c, int64_t n) {
    const F32 deviation = keep_first(load(x + c, n) - F32(mean), n);
    sum = fma(deviation, deviation, sum);
  });
  return reduce_add(sum) / static_cast<float>(cols);
}

template <class T>
void forward_row(const LayerNormForward<T>& a, int64_t row) {
  const T* x = a.x + row * a.cols;
  T* y = a.y + row * a.cols;
  const float mean = mean_of(x, a.cols);
  const float rstd = 1.0f / __builtin_sqrtf(variance_of(x, a.cols, mean) + static_cast<float>(a.eps));
  if (a.mean != nullptr) a.mean[row] = mean;
  if (a.rstd != nullptr) a.rstd[row] = rstd;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 normal = (load(x + c, n) - F32(mean)) * F32(rstd), weight = load(a.weight + c, n);
    store(y + c, a.bias != nullptr ? fma(normal, weight, load(a.bias + c, n)) : normal * weight, n);
  });
}

struct Sums {
  float gradient, dot;  // Σ dy · weight and Σ dy · weight · x̂, over cols
};

// Adds the row to the parameters' gradients on the way.
template <class T>
Sums sums_of(const LayerNormBackward<T>& a, int64_t row, float* dweight, float* dbias) {
  const T *x = a.x + row * a.cols, *dy = a.dy + row * a.cols;
  const F32 mean(a.mean[row]), rstd(a.rstd[row]);
  F32 sum, dot;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 d = load(dy + c, n), normal = (load(x + c, n) - mean) * rstd, scaled = d * load(a.weight + c, n);
    sum = sum + scaled;
    dot = fma(scaled, normal, dot);
    store(dweight + c, fma(d, normal, load(dweight + c, n)), n);
    store(dbias + c, load(dbias + c, n) + d, n);
  });
  const float cols = static_cast<float>(a.cols);
  return {reduce_add(sum) / cols, reduce_add(dot) / cols};
}

template <class T>
void backward_row(const LayerNormBackward<T>& a, int64_t row, float* dweight, float* dbias) {
  const Sums sums = sums_of(a, row, dweight, dbias);
  if (a.dx == nullptr) return;
  const T *x = a.x + row * a.cols, *dy = a.dy + row * a.cols;
  T* dx = a.dx + row * a.cols;
  const F32 mean(a.mean[row]), rstd(a.rstd[row]), gradient(sums.gradient), dot(sums.dot);
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 normal = (load(x + c, n) - mean) * rstd;
    F32 value = rstd * (load(dy + c, n) * load(a.weight + c, n) - fma(normal, dot, gradient));
    if (a.add_dx) value = value + load(dx + c, n);
    store(dx + c, value, n);
  });
}

template <class T>
void backward_rows(const LayerNormBackward<T>& a, int64_t task) {
  const int64_t step = rows_per_task(a.cols), first = task * step, last = first + step < a.rows ? first + step : a.rows;
  float *dweight = a.partial + 2 * task * a.cols, *dbias = dweight + a.cols;
  __builtin_memset(dweight, 0, static_cast<size_t>(2 * a.cols) * sizeof(float));
  for (int64_t r = first; r < last; ++r) backward_row(a, r, dweight, dbias);
}

// Partial sums in task order; `partial` is the first task's.
void add_partials(float* gradient, const float* partial, int64_t tasks, int64_t cols) {
  for (int64_t task = 0; gradient != nullptr && task < tasks; ++task)
    for_lanes(cols, [&](int64_t c, int64_t n) {
      store(gradient + c, load(gradient + c, n) + load(partial + 2 * task * cols + c, n), n);
    });
}

template <class T>
void forward(ThreadPool& pool, const LayerNormForward<T>& a) {
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { forward_row(a, r); });
}

template <class T>
void backward(ThreadPool& pool, const LayerNormBackward<T>& a) {
  const int64_t tasks = divide_up(a.rows, rows_per_task(a.cols));
  pool.parallel_for(tasks, [&](int64_t task, int) { backward_rows(a, task); });
  add_partials(a.dweight, a.partial, tasks, a.cols);
  add_partials(a.dbias, a.partial + a.cols, tasks, a.cols);
}

}  // namespace

template <>
void layer_norm_forward<kIsa>(ThreadPool& pool, const LayerNormForward<float>& a) {
  forward(pool, a);
}
template <>
void layer_norm_forward<kIsa>(ThreadPool& pool, const LayerNormForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void layer_norm_backward<kIsa>(ThreadPool& pool, const LayerNormBackward<float>& a) {
  backward(pool, a);
}
template <>
void layer_norm_backward<kIsa>(ThreadPool& pool, const LayerNormBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
