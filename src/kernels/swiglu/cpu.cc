// SwiGLU, SIMD. Compiled once per instruction set.
#include "kernels/simd/simd.h"
#include "kernels/swiglu/swiglu.h"

namespace maru::kernels {
namespace {

template <class T>
void forward_row(const SwigluForward<T>& a, int64_t row) {
  const T *gate = a.gate + row * a.stride, *up = a.up + row * a.stride;
  T* y = a.y + row * a.cols;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 g = load(gate + c, n);
    store(y + c, g * sigmoid(g) * load(up + c, n), n);
  });
}

template <class T>
void backward_row(const SwigluBackward<T>& a, int64_t row) {
  const T *gate = a.gate + row * a.stride, *up = a.up + row * a.stride, *dy = a.dy + row * a.cols;
  T *dgate = a.dgate + row * a.stride, *dup = a.dup + row * a.stride;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 g = load(gate + c, n), u = load(up + c, n), d = load(dy + c, n), s = sigmoid(g);
    F32 for_gate = d * u * s * fma(g, F32(1.0f) - s, F32(1.0f)), for_up = d * g * s;
    if (a.add_dgate) for_gate = for_gate + load(dgate + c, n);
    if (a.add_dup) for_up = for_up + load(dup + c, n);
    store(dgate + c, for_gate, n);
    store(dup + c, for_up, n);
  });
}

template <class T>
void forward(ThreadPool& pool, const SwigluForward<T>& a) {
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { forward_row(a, r); });
}

template <class T>
void backward(ThreadPool& pool, const SwigluBackward<T>& a) {
  for_rows(pool, a.rows, a.cols, [&](int64_t r) { backward_row(a, r); });
}

}  // namespace

template <>
void swiglu_forward<kIsa>(ThreadPool& pool, const SwigluForward<float>& a) {
  forward(pool, a);
}
template <>
void swiglu_forward<kIsa>(ThreadPool& pool, const SwigluForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void swiglu_backward<kIsa>(ThreadPool& pool, const SwigluBackward<float>& a) {
  backward(pool, a);
}
template <>
void swiglu_backward<kIsa>(ThreadPool& pool, const SwigluBackward<bfloat16>& a) {
  backward(pool, a);
}

}  // namespace maru::kernels
