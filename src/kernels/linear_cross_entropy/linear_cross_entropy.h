// The last layer and its loss in one pass: logits = logit_scale · x · weightᵀ, cross entropy against targets, and the
// gradients, without ever holding all logits.
//
// Rows are taken in chunks of fixed size. A chunk's logits become its gradients in place, and those are multiplied with
// weight and x before the next chunk starts. The weight is packed once per call. A row's loss and dx have the same bits
// whatever the other rows are; dweight sums over chunks in order.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

/// loss += scale · Σ row weight · (log Σ exp(logits) - logits[target]) over rows with a target; dx (+)= and
/// dweight += its gradients. With a soft cap, logits are softcap · tanh(logit_scale · x · weightᵀ / softcap).
///
/// Shapes   x, dx [rows, dim]; weight, dweight [vocab, dim]; targets, row_weights, token_loss [rows]; loss [1].
/// Types    logits, losses, row weights and dweight in Accumulator<T>; gradients of logits are rounded to T before they
/// are
///          multiplied.
/// Cost     2·rows·vocab·dim flops, three times that with gradients; scratch for 512 rows of logits and for weight
///          packed, twice with gradients.
/// Source   Hsu et al. 2024 (Liger kernels), arXiv:2410.10989, §3.2; for what it saves, Wijmans et al. 2024,
///          arXiv:2411.09009.
template <class T>
struct LinearCrossEntropy {
  Accumulator<T>* loss;        // added to, rows in ascending order
  Accumulator<T>* token_loss;  // null, or the loss of each row, unscaled and unweighted, 0 where there is no target
  T* dx;                       // null: not wanted
  bool add_dx;
  Accumulator<T>* dweight;  // null: not wanted
  const T* x;
  const T* weight;
  const int32_t* targets;  // in [0, vocab), or negative: the row does not count
  int64_t rows, vocab, dim;
  double scale, logit_scale;
  std::byte* scratch;                           // linear_cross_entropy_scratch_bytes, aligned to 64
  double softcap = 0;                           // 0: off
  const Accumulator<T>* row_weights = nullptr;  // of any sign; null: 1
};

/// Scratch; `gradients` if dx or dweight is wanted.
template <class T>
int64_t linear_cross_entropy_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t vocab, int64_t dim,
                                           bool gradients);

template <class T>
void linear_cross_entropy(CpuStream& stream, const LinearCrossEntropy<T>& x);

/// The loss of logits that are there already, from a quantized head for one: it has no gradient.
///
/// Shapes   logits [rows, vocab]; targets, row_weights and token_loss [rows]; loss [1].
/// Types    T = float or double.
template <class T>
struct CrossEntropy {
  T* loss;        // scale · Σ row weight · token_loss is added, rows in ascending order
  T* token_loss;  // log Σ exp(logits) - logits[target], 0 where there is no target
  const T* logits;
  const int32_t* targets;  // in [0, vocab), or negative: the row does not count
  int64_t rows, vocab;
  double scale;
  const T* row_weights = nullptr;  // null: 1
};

template <class T>
void cross_entropy(CpuStream& stream, const CrossEntropy<T>& x);

/// The same for one instruction set, T = float or bfloat16; of logits, float.
template <Isa kIsa, class T>
void linear_cross_entropy(ThreadPool& pool, const LinearCrossEntropy<T>& x);
template <Isa kIsa, class T>
int64_t linear_cross_entropy_scratch_bytes(int threads, int64_t rows, int64_t vocab, int64_t dim, bool gradients);
template <Isa kIsa>
void cross_entropy(ThreadPool& pool, const CrossEntropy<float>& x);

}  // namespace maru::kernels
