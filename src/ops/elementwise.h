// Additions, scalings and copies.
#pragma once
#include "ops/context.h"

namespace maru {

/// y = x + alpha · z: the residual connection, with the muP residual multiplier.
///
/// Shapes   x, y, z alike.
/// Saves    nothing.
Tensor add_scaled(Context&, const Tensor& x, const Tensor& z, double alpha = 1);

/// y = alpha · x; x itself when alpha is 1.
Tensor scale(Context&, const Tensor& x, double alpha);

/// y = silu(gate) · up.
///
/// Shapes   gate, up, y alike.
/// Saves    gate and up (no copy).
/// Source   Shazeer 2020, arXiv:2002.05202.
Tensor swiglu(Context&, const Tensor& gate, const Tensor& up);

/// x in the accumulator type: itself unless it is bf16. Its gradient is rounded back.
///
/// Saves    nothing.
Tensor as_accumulator(Context&, const Tensor& x);

// Not differentiable: for the tape and the optimiser.
Tensor copy(Context&, const Tensor& x);
Tensor fill(Context&, Shape, Dtype, double value);
void zero(Context&, const Tensor& x);
/// dx = or += alpha · dy, as the gradient's `add` says.
void add_into(Context&, const Gradient& dx, const Tensor& dy, double alpha);

}  // namespace maru
