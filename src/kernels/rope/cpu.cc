// Rotary position embedding, SIMD. Compiled once per instruction set.
#include "kernels/rope/rope.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
MARU_INLINE void put(const Rope<T>& a, T* y, F32 value, int64_t n) {
  store(y, a.add ? value + load(y, n) : value, n);
}

template <class T>
void rotate_head(const Rope<T>& a, const float* cos, const float* sin, const T* x, T* y) {
  const int64_t half = a.rotary_dim / 2;
  const F32 sign(a.inverse ? -1.0f : 1.0f);
  for_lanes(half, [&](int64_t i, int64_t n) {
    const F32 c = load(cos + i, n), s = load(sin + i, n) * sign;
    const F32 first = load(x + i, n), second = load(x + half + i, n);
    put(a, y + i, first * c - second * s, n);
    put(a, y + half + i, fma(second, c, first * s), n);
  });
  if (x == y) return;
  for_lanes(a.head_dim - 2 * half,
            [&](int64_t i, int64_t n) { put(a, y + 2 * half + i, load(x + 2 * half + i, n), n); });
}

template <class T>
void rotate(ThreadPool& pool, const Rope<T>& a) {
  for_rows(pool, a.rows, a.heads * a.head_dim, [&](int64_t r) {
    const int64_t angles = a.positions[r] * (a.rotary_dim / 2);
    for (int64_t h = 0; h < a.heads; ++h)
      rotate_head(a, a.cos + angles, a.sin + angles, a.x + r * a.x_stride + h * a.head_dim,
                  a.y + r * a.y_stride + h * a.head_dim);
  });
}

}  // namespace

template <>
void rope<kIsa>(ThreadPool& pool, const Rope<float>& a) {
  rotate(pool, a);
}
template <>
void rope<kIsa>(ThreadPool& pool, const Rope<bfloat16>& a) {
  rotate(pool, a);
}

}  // namespace maru::kernels
