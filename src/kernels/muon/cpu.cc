// The elementwise ends of Muon, SIMD. Compiled once per instruction set.
#include "kernels/muon/muon.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

MARU_INLINE F32 lanes_of(double x) { return F32(static_cast<float>(x)); }

template <class T>
void direction(ThreadPool& pool, const Muon<T>& a, float* u) {
  const F32 beta = lanes_of(a.momentum), scale = lanes_of(a.gradient_scale);
  for_elements(pool, a.rows * a.cols, [&](int64_t i, int64_t n) {
    const F32 g = load(a.gradient + i, n) * scale, m = fma(load(a.m + i, n), beta, g);
    store(a.m + i, m, n);
    store(u + i, a.nesterov ? fma(m, beta, g) : m, n);
    if (a.zero_gradient) store(a.gradient + i, F32(), n);
  });
}

template <class T>
void update(ThreadPool& pool, const Muon<T>& a, const float* u, float* master) {
  const F32 decay = lanes_of(1 - a.lr * a.weight_decay), rate = lanes_of(-muon_rate(a.lr, a.rows, a.cols));
  for_elements(pool, a.rows * a.cols, [&](int64_t i, int64_t n) {
    const F32 value = fma(load(master + i, n), decay, load(u + i, n) * rate);
    store(master + i, value, n);
    if (static_cast<void*>(a.parameter) != master) store(a.parameter + i, value, n);
  });
}

}  // namespace

template <>
void muon_direction<kIsa>(ThreadPool& pool, const Muon<float>& a, float* u) {
  direction(pool, a, u);
}
template <>
void muon_direction<kIsa>(ThreadPool& pool, const Muon<bfloat16>& a, float* u) {
  direction(pool, a, u);
}
template <>
void muon_update<kIsa>(ThreadPool& pool, const Muon<float>& a, const float* u) {
  update(pool, a, u, a.master != nullptr ? a.master : a.parameter);
}
template <>
void muon_update<kIsa>(ThreadPool& pool, const Muon<bfloat16>& a, const float* u) {
  update(pool, a, u, a.master);
}

}  // namespace maru::kernels
