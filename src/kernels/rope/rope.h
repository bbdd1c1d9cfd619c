// Rotary position embedding.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// Rotates each pair (i, i + rotary_dim / 2) of every head by the angle of the row's position, or each pair
/// (2i, 2i + 1) when interleaved; the elements of a head behind rotary_dim are copied.
///
/// Shapes   x, y [rows, heads · head_dim], `stride` elements from row to row; positions [rows];
///          cos, sin [max_position, rotary_dim / 2].
/// Types    angles in Accumulator<T>.
/// Source   Su et al. 2021, arXiv:2104.09864, eq. 34 (interleaved); pairs split in halves as in Hugging Face's Llama.
template <class T>
struct Rope {
  T* y;  // may be x, unless `add`
  const T* x;
  int64_t y_stride, x_stride;
  bool add;      // add to y, or overwrite it
  bool inverse;  // rotate back: the transpose, which is the backward
  bool interleaved = false;
  const int32_t* positions;  // in [0, max_position)
  const Accumulator<T>* cos;
  const Accumulator<T>* sin;
  int64_t rows, heads, head_dim, rotary_dim;
};

template <class T>
void rope(CpuStream& stream, const Rope<T>& a);

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void rope(ThreadPool& pool, const Rope<T>& a);

/// theta^(-2 · pair / rotary_dim), in radians per position.
double rope_frequency(double theta, int64_t pair, int64_t rotary_dim);

/// Fills cos and sin for positions [0, max_position): angle = position · frequencies[pair], computed in double.
/// Scaled variants change the frequencies; `magnitude` multiplies both tables (YaRN's attention factor).
///
/// Types    A = float, double or std::complex<double>.
template <class A>
void rope_table(A* cos, A* sin, int64_t max_position, const double* frequencies, int64_t pairs, double magnitude = 1);

/// The same for the plain frequencies of theta.
template <class A>
void rope_table(A* cos, A* sin, int64_t max_position, int64_t rotary_dim, double theta);

}  // namespace maru::kernels
