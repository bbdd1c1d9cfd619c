// Elementwise sums: residual connections and gradients.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y = x + alpha · z. y may be x or z.
template <class T>
struct Add {
  T* y;
  const T* x;
  const T* z;
  int64_t count;
  double alpha = 1;
};

/// y (+)= alpha · x. y may be x.
template <class T>
struct Scale {
  T* y;
  const T* x;
  int64_t count;
  double alpha = 1;
  bool add = false;  // add to y, or overwrite it
};

/// sum += alpha · x, where the sum is kept in Accumulator<T>.
template <class T>
struct Accumulate {
  Accumulator<T>* sum;
  const T* x;
  int64_t count;
  double alpha = 1;
};

template <class T>
void add(CpuStream& stream, const Add<T>& a);
template <class T>
void scale(CpuStream& stream, const Scale<T>& a);
template <class T>
void accumulate(CpuStream& stream, const Accumulate<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void add(ThreadPool& pool, const Add<T>& a);
template <Isa kIsa, class T>
void scale(ThreadPool& pool, const Scale<T>& a);
template <Isa kIsa, class T>
void accumulate(ThreadPool& pool, const Accumulate<T>& a);

}  // namespace maru::kernels
