// The squared rectifier, SIMD. Compiled once per instruction set.
#include "kernels/simd/simd.h"
#include "relu_squared/relu_squared.h"

namespace maru::kernels {
namespace {

template <class T>
void forward(ThreadPool& pool, const ReluSquaredForward<T>& a) {
  for_elements(pool, a.count, [&](int64_t i, int64_t n) {
    const F32 x = max(load(a.x + i, n), F32());
    store(a.y + i, x * x, n);
  });
}

template <class T>
void backward(ThreadPool& pool, const ReluSquaredBackward<T>& a) {
  for_elements(pool, a.count, [&](int64_t i, int64_t n) {
    const F32 x = max(load(a.x + i, n), F32()), for_dx = (x + x) * load(a.dy + i, n);
    store(a.dx + i, a.add_dx ? for_dx + load(a.dx + i, n) : for_dx, n);
  });
}

}  // namespace

template <>
void relu_squared_forward<kIsa>(ThreadPool& pool, const ReluSquaredForward<float>& a) {
  forward(pool, a);
}
template <>
void relu_squared_forward<kIsa>(ThreadPool& pool, const ReluSquaredForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void relu_squared_backward<kIsa>(ThreadPool& pool, const ReluSquaredBackward<float>& a) {
  backward(pool, a);
}
template <>
void relu_squared_backward<kIsa>(ThreadPool& pool, const ReluSquaredBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
