// Rotary position embedding, SIMD. Compiled once per instruction set.
#include "kernels/rope/rope.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
MARU_INLINE void put(const Rope<T>& a, T* y, F32 value, int64_t n) {
  store(y, a.add ? value + load(y, n) : value, n);
}

MARU_INLINE float widen_one(float x) { return x; }
MARU_INLINE float widen_one(bfloat16 x) { return to_float(x); }
MARU_INLINE void put_one(const Rope<float>& a, float* y, float value) { *y = a.add ? value + *y : value; }
MARU_INLINE void put_one(const Rope<bfloat16>& a, bfloat16* y, float value) {
  *y = to_bfloat16(a.add ? value + to_float(*y) : value);
}

template <class T>
void rotate_neighbours(const Rope<T>& a, const float* cos, const float* sin, const T* x, T* y) {
  int64_t i = 0;
#if defined(MARU_ISA_AVX512) || defined(MARU_ISA_AVX2)
  constexpr int64_t kPairs = kLanes / 2;
  const F32 sign = alternating(a.inverse ? 1.0f : -1.0f);
  for (; i + kPairs <= a.rotary_dim / 2; i += kPairs) {
    const F32 both = load(x + 2 * i), turned = swap_neighbours(both) * (load_twice(sin + i) * sign);
    put(a, y + 2 * i, fma(both, load_twice(cos + i), turned), kLanes);
  }
#endif
  for (; i < a.rotary_dim / 2; ++i) {
    const float s = a.inverse ? -sin[i] : sin[i], first = widen_one(x[2 * i]), second = widen_one(x[2 * i + 1]);
    put_one(a, y + 2 * i, first * cos[i] - second * s);
    put_one(a, y + 2 * i + 1, second * cos[i] + first * s);
  }
}

template <class T>
void rotate_halves(const Rope<T>& a, const float* cos, const float* sin, const T* x, T* y) {
  const int64_t half = a.rotary_dim / 2;
  const F32 sign(a.inverse ? -1.0f : 1.0f);
  for_lanes(half, [&](int64_t i, int64_t n) {
    const F32 c = load(cos + i, n), s = load(sin + i, n) * sign;
    const F32 first = load(x + i, n), second = load(x + half + i, n);
    put(a, y + i, first * c - second * s, n);
    put(a, y + half + i, fma(second, c, first * s), n);
  });
}

template <class T>
void rotate_head(const Rope<T>& a, const float* cos, const float* sin, const T* x, T* y) {
  if (a.interleaved)
    rotate_neighbours(a, cos, sin, x, y);
  else
    rotate_halves(a, cos, sin, x, y);
  if (x == y) return;
  const int64_t n = a.rotary_dim;
  for_lanes(a.head_dim - n, [&](int64_t i, int64_t lanes) { put(a, y + n + i, load(x + n + i, lanes), lanes); });
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
