// Looking up rows of a table.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// y[i] = multiplier · table[tokens[i]].
///
/// Shapes   y [rows, cols]; table [vocabulary, cols]; tokens [rows], each in [0, vocabulary).
/// Source   multiplier: Yang et al. 2022, arXiv:2203.03466 (muP); 1 otherwise.
template <class T>
struct EmbeddingForward {
  T* y;
  const T* table;
  const int32_t* tokens;
  int64_t rows, cols;
  double multiplier = 1;
};

/// dtable[tokens[i]] += multiplier · dy[i], rows in order.
///
/// Cost     each task adds up all rows for 64 columns: no scratch, no atomics, the same bits for any thread count.
template <class T>
struct EmbeddingBackward {
  Accumulator<T>* dtable;
  const T* dy;
  const int32_t* tokens;
  int64_t rows, cols;
  double multiplier = 1;
};

template <class T>
void embedding_forward(CpuStream& stream, const EmbeddingForward<T>& a);
template <class T>
void embedding_backward(CpuStream& stream, const EmbeddingBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void embedding_forward(ThreadPool& pool, const EmbeddingForward<T>& a);
template <Isa kIsa, class T>
void embedding_backward(ThreadPool& pool, const EmbeddingBackward<T>& a);

}  // namespace maru::kernels
