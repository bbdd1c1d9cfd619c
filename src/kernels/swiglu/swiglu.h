// The gated activation of Llama's feed-forward block.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = silu(gate) · up, silu(g) = g / (1 + exp(-g)).
///
/// Shapes   gate, up [rows, cols], `stride` elements from row to row (halves of one matrix, or matrices); y [rows,
/// cols]. Source   Shazeer 2020, arXiv:2002.05202, eq. 6.
template <class T>
struct SwigluForward {
  T* y;
  const T* gate;
  const T* up;
  int64_t rows, cols, stride;
};

/// dgate (+)= dy · up · silu'(gate); dup (+)= dy · silu(gate).
///
/// Shapes   dy [rows, cols]; gate, up, dgate, dup [rows, cols] with `stride`.
template <class T>
struct SwigluBackward {
  T* dgate;
  T* dup;
  bool add_dgate, add_dup;  // add, or overwrite
  const T* dy;
  const T* gate;
  const T* up;
  int64_t rows, cols, stride;
};

template <class T>
void swiglu_forward(CpuStream& stream, const SwigluForward<T>& a);
template <class T>
void swiglu_backward(CpuStream& stream, const SwigluBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void swiglu_forward(ThreadPool& pool, const SwigluForward<T>& a);
template <Isa kIsa, class T>
void swiglu_backward(ThreadPool& pool, const SwigluBackward<T>& a);

}  // namespace maru::kernels
