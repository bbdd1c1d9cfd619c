// Activation functions, plain and gated, forward and backward.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// Source   gelu, its tanh form and silu: Hendrycks & Gimpel 2016, arXiv:1606.08415, §2.
enum class Activation : uint8_t {
  kGelu,      // x · Φ(x), Φ exact: (1 + erf(x / √2)) / 2
  kGeluTanh,  // x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2
  kRelu,      // max(x, 0); its slope at 0 is 0
  kTanh,
  kSigmoid,
  kSilu,  // x · sigmoid(x)
};

/// y = f(x). y may be x.
template <class T>
struct ActivationForward {
  T* y;
  const T* x;
  int64_t count;
  Activation function;
};

/// dx (+)= dy · f'(x). dx may be dy when it is overwritten.
template <class T>
struct ActivationBackward {
  T* dx;
  bool add_dx;  // add to dx, or overwrite it
  const T* dy;
  const T* x;
  int64_t count;
  Activation function;
};

/// y = f(gate) · up: GEGLU with either gelu; SwiGLU with silu.
///
/// Shapes   gate, up [rows, cols], `stride` elements from row to row (halves of one matrix, or matrices);
///          y [rows, cols].
/// Source   Shazeer 2020, arXiv:2002.05202, eq. 6.
template <class T>
struct GatedForward {
  T* y;
  const T* gate;
  const T* up;
  int64_t rows, cols, stride;
  Activation function;
};

/// dgate (+)= dy · up · f'(gate); dup (+)= dy · f(gate).
///
/// Shapes   dy [rows, cols]; gate, up, dgate, dup [rows, cols] with `stride`.
template <class T>
struct GatedBackward {
  T* dgate;                 // null: not wanted
  T* dup;                   // null: not wanted
  bool add_dgate, add_dup;  // add, or overwrite
  const T* dy;
  const T* gate;
  const T* up;
  int64_t rows, cols, stride;
  Activation function;
};

/// y = softcap · tanh(scale · y / softcap): logits that stay within ± softcap. Not differentiable.
///
/// Types    T = float, double or std::complex<double>; scale / softcap and each of the three steps are rounded to T.
/// Source   Bello et al. 2017, arXiv:1611.09940, §5 (as in Gemma 2, arXiv:2408.00118, §2.1).
template <class T>
struct SoftCap {
  T* y;
  int64_t count;
  double scale, softcap;
};

template <class T>
void activation_forward(CpuStream& stream, const ActivationForward<T>& a);
template <class T>
void activation_backward(CpuStream& stream, const ActivationBackward<T>& a);
template <class T>
void gated_forward(CpuStream& stream, const GatedForward<T>& a);
template <class T>
void gated_backward(CpuStream& stream, const GatedBackward<T>& a);
template <class T>
void soft_cap(CpuStream& stream, const SoftCap<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void activation_forward(ThreadPool& pool, const ActivationForward<T>& a);
template <Isa kIsa, class T>
void activation_backward(ThreadPool& pool, const ActivationBackward<T>& a);
template <Isa kIsa, class T>
void gated_forward(ThreadPool& pool, const GatedForward<T>& a);
template <Isa kIsa, class T>
void gated_backward(ThreadPool& pool, const GatedBackward<T>& a);
template <Isa kIsa>
void soft_cap(ThreadPool& pool, const SoftCap<float>& a);

}  // namespace maru::kernels
