// Elementwise sums, SIMD. Compiled once per instruction set.
#include "kernels/add/add.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class T>
void sum(ThreadPool& pool, const Add<T>& a) {
  const F32 alpha(static_cast<float>(a.alpha));
  for_elements(pool, a.count,
               [&](int64_t i, int64_t n) { store(a.y + i, fma(load(a.z + i, n), alpha, load(a.x + i, n)), n); });
}

template <class T>
void scaled(ThreadPool& pool, const Scale<T>& a) {
  const F32 alpha(static_cast<float>(a.alpha));
  for_elements(pool, a.count, [&](int64_t i, int64_t n) {
    const F32 value = load(a.x + i, n) * alpha;
    store(a.y + i, a.add ? value + load(a.y + i, n) : value, n);
  });
}

template <class T>
void accumulated(ThreadPool& pool, const Accumulate<T>& a) {
  const F32 alpha(static_cast<float>(a.alpha));
  for_elements(pool, a.count,
               [&](int64_t i, int64_t n) { store(a.sum + i, fma(load(a.x + i, n), alpha, load(a.sum + i, n)), n); });
}

}  // namespace

template <>
void add<kIsa>(ThreadPool& pool, const Add<float>& a) {
  sum(pool, a);
}
template <>
void add<kIsa>(ThreadPool& pool, const Add<bfloat16>& a) {
  sum(pool, a);
}
template <>
void scale<kIsa>(ThreadPool& pool, const Scale<float>& a) {
  scaled(pool, a);
}
template <>
void scale<kIsa>(ThreadPool& pool, const Scale<bfloat16>& a) {
  scaled(pool, a);
}
template <>
void accumulate<kIsa>(ThreadPool& pool, const Accumulate<float>& a) {
  accumulated(pool, a);
}
template <>
void accumulate<kIsa>(ThreadPool& pool, const Accumulate<bfloat16>& a) {
  accumulated(pool, a);
}

}  // namespace maru::kernels
