// One step of AdamW.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// With g = gradient_scale · gradient, on a master copy p of the parameter:
///   p -= lr · weight_decay · p;  m = beta1 · m + (1 - beta1) · g;  v = beta2 · v + (1 - beta2) · g²
///   p -= lr · (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
///
/// Shapes   all [count].
/// Types    arithmetic and state in Accumulator<T>, bias corrections in double; T = float, bfloat16, double.
/// Cost     one pass over memory.
/// Source   Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; decay coupled to lr as in PyTorch.
template <class T>
struct AdamW {
  T* parameter;
  Accumulator<T>* master;  // null: the parameter is its own master (its type is Accumulator<T>)
  Accumulator<T>* m;
  Accumulator<T>* v;
  Accumulator<T>* gradient;
  int64_t count;
  int64_t step;  // of this update, from 1
  double lr;
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1;
  double gradient_scale = 1;   // of clipping
  bool zero_gradient = false;  // leave zeros in `gradient`, for the next step
};

template <class T>
void adamw(CpuStream& stream, const AdamW<T>& a);

/// The factors of one update, rounded once: master = decay · master - rate · m / (sqrt(v) · root + eps).
struct AdamWFactors {
  double decay, rate, root;
};
AdamWFactors adamw_factors(int64_t step, double lr, double beta1, double beta2, double weight_decay);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void adamw(ThreadPool& pool, const AdamW<T>& a, const AdamWFactors& factors);

}  // namespace maru::kernels
