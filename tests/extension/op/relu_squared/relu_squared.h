// The squared rectifier. A made-up op: this folder, and its word in a list.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = max(x, 0)².
///
/// Source   So et al. 2021, arXiv:2109.08668, §3.
template <class T>
struct ReluSquaredForward {
  T* y;
  const T* x;
  int64_t count;
};

/// dx (+)= 2 · max(x, 0) · dy.
template <class T>
struct ReluSquaredBackward {
  T* dx;
  bool add_dx;  // add, or overwrite
  const T* dy;
  const T* x;
  int64_t count;
};

template <class T>
void relu_squared_forward(CpuStream& stream, const ReluSquaredForward<T>& a);
template <class T>
void relu_squared_backward(CpuStream& stream, const ReluSquaredBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void relu_squared_forward(ThreadPool& pool, const ReluSquaredForward<T>& a);
template <Isa kIsa, class T>
void relu_squared_backward(ThreadPool& pool, const ReluSquaredBackward<T>& a);

}  // namespace maru::kernels
