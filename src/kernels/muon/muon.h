// One step of Muon, for matrices.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

/// Replaces x by (about) the nearest matrix with orthonormal rows or columns: `steps` rounds of the quintic
/// X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X on X / |X|, which bring the singular values into about [0.7, 1.2].
///
/// Shapes   x [rows, cols]; scratch newton_schulz_scratch_bytes, aligned to 64.
/// Types    A = float, or double (the reference).
/// Cost     per step 2·s²·(2·max(rows, cols) + s) flops, s = min(rows, cols).
/// Source   Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", coefficients included.
template <class A>
struct NewtonSchulz {
  A* x;
  int64_t rows, cols;
  int steps = 5;
  std::byte* scratch;
};

/// m = momentum · m + g, g = gradient_scale · gradient; u = g + momentum · m (Nesterov), or m;
/// p -= lr · weight_decay · p;  p -= lr · 0.2 · sqrt(max(rows, cols)) · newton_schulz(u), on a master copy p of the
/// parameter. The factor gives the update the root mean square of AdamW's, so that both share lr and weight_decay.
///
/// Shapes   parameter, master, m, gradient [rows, cols]; scratch muon_scratch_bytes, aligned to 64.
/// Types    state and arithmetic in Accumulator<T>; T = float, bfloat16, double (the reference).
/// Source   Jordan et al. 2024; scale and decay: Liu et al. 2025, arXiv:2502.16982, eq. 4.
template <class T>
struct Muon {
  T* parameter;
  Accumulator<T>* master;  // null: the parameter is its own master (its type is Accumulator<T>)
  Accumulator<T>* m;
  Accumulator<T>* gradient;
  int64_t rows, cols;
  double lr;
  double momentum = 0.95, weight_decay = 0.1;
  bool nesterov = true;
  int steps = 5;
  double gradient_scale = 1;   // of clipping
  bool zero_gradient = false;  // leave zeros in `gradient`, for the next step
  std::byte* scratch;
};

template <class A>
int64_t newton_schulz_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t cols);
template <class T>
int64_t muon_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t cols);

template <class A>
void newton_schulz(CpuStream& stream, const NewtonSchulz<A>& a);
template <class T>
void muon(CpuStream& stream, const Muon<T>& a);

struct MuonCoefficients {
  double a = 3.4445, b = -4.7750, c = 2.0315;
  double floor = 1e-7;  // added to |X|, so that a zero gradient stays zero
};

/// lr · 0.2 · sqrt(max(rows, cols)).
double muon_rate(double lr, int64_t rows, int64_t cols);

/// The elementwise ends of a step, for one instruction set: gradient to direction u, and direction to parameter.
template <Isa kIsa, class T>
void muon_direction(ThreadPool& pool, const Muon<T>& a, float* u);
template <Isa kIsa, class T>
void muon_update(ThreadPool& pool, const Muon<T>& a, const float* u);

}  // namespace maru::kernels
