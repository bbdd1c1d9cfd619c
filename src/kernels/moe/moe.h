// Which experts a token is sent to, and the sum of what they give.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

/// Chooses `per_token` experts of each row and their weights, and orders the pairs of row and expert by expert, so that
/// each expert's rows are neighbours. A row's experts come in ascending order; of equal scores the lower expert wins.
///
/// softmax: the largest softmax probabilities, which are the weights. sigmoid: the largest sigmoid + bias within the
/// `top_groups` groups whose two largest of these are largest; the weights are the sigmoids alone.
/// Weights are divided by their sum if `normalise`, and multiplied with `scale`.
///
/// Shapes   logits [rows, experts]; bias [experts] or null; weights, places [rows, per_token];
///          grouped_rows [rows · per_token + spare] in order of experts, 0 behind the last pair; first [experts + 1]:
///          where each expert's rows begin.
/// Types    A = float, double or std::complex<double>. The same code on every instruction set: it is a few hundred
///          numbers a row.
/// Source   softmax: Jiang et al. 2024 (Mixtral), arXiv:2401.04088, §2.1; sigmoid, groups: DeepSeek-AI 2024,
///          arXiv:2412.19437, §2.1.2.
template <class A>
struct Route {
  A* weights;
  int32_t* places;        // of each pair in the order of experts
  int32_t* grouped_rows;  // the row of each pair in that order
  int32_t* first;
  const A* logits;
  const A* bias;
  int64_t rows, experts, per_token;
  bool sigmoid, normalise;
  double scale;
  int64_t groups, top_groups;
  int64_t spare = 0;
  std::byte* scratch;  // route_scratch_bytes
};

/// Gradients of the logits from those of the weights. The choice has none, and so has the bias none.
///
/// Shapes   as in Route, which left places and first.
template <class A>
struct RouteBackward {
  A* dlogits;
  bool add_dlogits;  // add to dlogits, or overwrite it
  const A* dweights;
  const A* logits;
  const int32_t* places;
  const int32_t* first;
  int64_t rows, experts, per_token;
  bool sigmoid, normalise;
  double scale;
  std::byte* scratch;  // route_scratch_bytes
};

template <class A>
int64_t route_scratch_bytes(const CpuStream& stream, int64_t experts);
template <class A>
void route(CpuStream& stream, const Route<A>& a);
template <class A>
void route_backward(CpuStream& stream, const RouteBackward<A>& a);

/// y[r] (+)= Σ weights[r, i] · x[places[r, i]], i in ascending order.
///
/// Shapes   y [rows, cols]; x [·, cols]; weights, places [rows, per_token].
template <class T>
struct Combine {
  T* y;
  bool add_y = false;  // add to y, or overwrite it
  const T* x;
  const Accumulator<T>* weights;  // null: all 1, for the gradient of rows that were copied to their places
  const int32_t* places;
  int64_t rows, cols, per_token;
};

/// dx[places[r, i]] (+)= weights[r, i] · dy[r];  dweights[r, i] (+)= dy[r] · x[places[r, i]]. Rows of dx behind those
/// of the pairs are left alone (added) or zero (overwritten).
///
/// Shapes   dy [rows, cols]; x, dx [grouped_rows, cols]; weights, dweights, places [rows, per_token], no place twice.
template <class T>
struct CombineBackward {
  T* dx;                      // null: not wanted
  Accumulator<T>* dweights;   // null: not wanted
  bool add_dx, add_dweights;  // add, or overwrite
  const T* dy;
  const T* x;
  const Accumulator<T>* weights;
  const int32_t* places;
  int64_t rows, cols, per_token, grouped_rows;
};

template <class T>
void combine(CpuStream& stream, const Combine<T>& a);
template <class T>
void combine_backward(CpuStream& stream, const CombineBackward<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void combine(ThreadPool& pool, const Combine<T>& a);
template <Isa kIsa, class T>
void combine_backward(ThreadPool& pool, const CombineBackward<T>& a);

}  // namespace maru::kernels
