// AdamW, SIMD. Compiled once per instruction set.
#include "kernels/adamw/adamw.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

struct Constants {
  F32 beta1, new1, beta2, new2, decay, minus_rate, root, eps, scale;
};

MARU_INLINE F32 lanes_of(double x) { return F32(static_cast<float>(x)); }

template <class T>
Constants constants_of(const AdamW<T>& a, const AdamWFactors& f) {
  return {.beta1 = lanes_of(a.beta1),
          .new1 = lanes_of(1 - a.beta1),
          .beta2 = lanes_of(a.beta2),
          .new2 = lanes_of(1 - a.beta2),
          .decay = lanes_of(f.decay),
          .minus_rate = lanes_of(-f.rate),
          .root = lanes_of(f.root),
          .eps = lanes_of(a.eps),
          .scale = lanes_of(a.gradient_scale)};
}

// Updates m and v, returns the new master.
MARU_INLINE F32 step(const Constants& k, F32 master, F32 gradient, float* m, float* v, int64_t n) {
  const F32 g = gradient * k.scale;
  const F32 mean = fma(load(m, n), k.beta1, g * k.new1), square = fma(load(v, n), k.beta2, g * g * k.new2);
  store(m, mean, n);
  store(v, square, n);
  return fma(master, k.decay, mean * k.minus_rate / fma(sqrt(square), k.root, k.eps));
}

template <class T>
void update(ThreadPool& pool, const AdamW<T>& a, const AdamWFactors& factors, float* master) {
  const Constants k = constants_of(a, factors);
  for_elements(pool, a.count, [&](int64_t i, int64_t n) {
    const F32 value = step(k, load(master + i, n), load(a.gradient + i, n), a.m + i, a.v + i, n);
    store(master + i, value, n);
    if (static_cast<void*>(a.parameter) != master) store(a.parameter + i, value, n);
    if (a.zero_gradient) store(a.gradient + i, F32(), n);
  });
}

}  // namespace

template <>
void adamw<kIsa>(ThreadPool& pool, const AdamW<float>& a, const AdamWFactors& factors) {
  update(pool, a, factors, a.master != nullptr ? a.master : a.parameter);
}
template <>
void adamw<kIsa>(ThreadPool& pool, const AdamW<bfloat16>& a, const AdamWFactors& factors) {
  update(pool, a, factors, a.master);
}

}  // namespace maru::kernels
