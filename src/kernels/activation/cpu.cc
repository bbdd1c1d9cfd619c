// Activation functions, SIMD. Compiled once per instruction set.
#include "kernels/activation/activation.h"
#include "kernels/activation/functions.h"

namespace maru::kernels {
namespace {

template <class T>
void forward(ThreadPool& pool, const ActivationForward<T>& a) {
  with_function(a.function, [&](auto f) {
    for_elements(pool, a.count, [&](int64_t i, int64_t n) { store(a.y + i, f.value(load(a.x + i, n)), n); });
  });
}

template <class T>
void backward(ThreadPool& pool, const ActivationBackward<T>& a) {
  with_function(a.function, [&](auto f) {
    for_elements(pool, a.count, [&](int64_t i, int64_t n) {
      const F32 value = load(a.dy + i, n) * f.slope(load(a.x + i, n));
      store(a.dx + i, a.add_dx ? value + load(a.dx + i, n) : value, n);
    });
  });
}

template <class T>
void gated(ThreadPool& pool, const GatedForward<T>& a) {
  with_function(a.function, [&](auto f) {
    for_rows(pool, a.rows, a.cols, [&](int64_t r) {
      const T *gate = a.gate + r * a.stride, *up = a.up + r * a.stride;
      T* y = a.y + r * a.cols;
      for_lanes(a.cols, [&](int64_t c, int64_t n) { store(y + c, f.value(load(gate + c, n)) * load(up + c, n), n); });
    });
  });
}

template <class F, class T>
void gated_row(F f, const GatedBackward<T>& a, int64_t row) {
  const T *gate = a.gate + row * a.stride, *up = a.up + row * a.stride, *dy = a.dy + row * a.cols;
  T* dgate = a.dgate != nullptr ? a.dgate + row * a.stride : nullptr;
  T* dup = a.dup != nullptr ? a.dup + row * a.stride : nullptr;
  for_lanes(a.cols, [&](int64_t c, int64_t n) {
    const F32 g = load(gate + c, n), d = load(dy + c, n);
    if (dgate != nullptr) {
      const F32 value = d * load(up + c, n) * f.slope(g);
      store(dgate + c, a.add_dgate ? value + load(dgate + c, n) : value, n);
    }
    if (dup != nullptr) {
      const F32 value = d * f.value(g);
      store(dup + c, a.add_dup ? value + load(dup + c, n) : value, n);
    }
  });
}

template <class T>
void gated(ThreadPool& pool, const GatedBackward<T>& a) {
  with_function(a.function, [&](auto f) { for_rows(pool, a.rows, a.cols, [&](int64_t r) { gated_row(f, a, r); }); });
}

// Each step goes through memory (L1): the compiler would fuse the first with the sums inside of tanh, and round once
// where other devices and instruction sets round twice.
void cap(float* y, int64_t count, F32 inner, F32 softcap) {
  for_lanes(count, [&](int64_t i, int64_t n) { store(y + i, load(y + i, n) * inner, n); });
  for_lanes(count, [&](int64_t i, int64_t n) { store(y + i, Tanh::value(load(y + i, n)), n); });
  for_lanes(count, [&](int64_t i, int64_t n) { store(y + i, load(y + i, n) * softcap, n); });
}

}  // namespace

template <>
void soft_cap<kIsa>(ThreadPool& pool, const SoftCap<float>& a) {
  constexpr int64_t kBlock = 2048;
  const F32 inner(static_cast<float>(a.scale / a.softcap)), softcap(static_cast<float>(a.softcap));
  pool.parallel_for(divide_up(a.count, kBlock), [&](int64_t block, int) {
    const int64_t first = block * kBlock, rest = a.count - first;
    cap(a.y + first, rest < kBlock ? rest : kBlock, inner, softcap);
  });
}

template <>
void activation_forward<kIsa>(ThreadPool& pool, const ActivationForward<float>& a) {
  forward(pool, a);
}
template <>
void activation_forward<kIsa>(ThreadPool& pool, const ActivationForward<bfloat16>& a) {
  forward(pool, a);
}
template <>
void activation_backward<kIsa>(ThreadPool& pool, const ActivationBackward<float>& a) {
  backward(pool, a);
}
template <>
void activation_backward<kIsa>(ThreadPool& pool, const ActivationBackward<bfloat16>& a) {
  backward(pool, a);
}
template <>
void gated_forward<kIsa>(ThreadPool& pool, const GatedForward<float>& a) {
  gated(pool, a);
}
template <>
void gated_forward<kIsa>(ThreadPool& pool, const GatedForward<bfloat16>& a) {
  gated(pool, a);
}
template <>
void gated_backward<kIsa>(ThreadPool& pool, const GatedBackward<float>& a) {
  gated(pool, a);
}
template <>
void gated_backward<kIsa>(ThreadPool& pool, const GatedBackward<bfloat16>& a) {
  gated(pool, a);
}

}  // namespace maru::kernels
