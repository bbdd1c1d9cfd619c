// y = x · weightᵀ + bias.
#pragma once
#include "ops/context.h"

namespace maru {

/// Shapes   x [rows, in]; weight [out, in] (Hugging Face's layout); bias [1, out] or empty: none; y [rows, out].
/// Types    all alike; sums in f32, the bias added before y is rounded. A row of y has the same bits whatever the other
///          rows are.
/// Saves    x (no copy).
/// Cost     2 · rows · in · out flops forward, twice that backward.
Tensor linear(Context&, const Tensor& x, const Tensor& weight, const Tensor& bias = {});

/// What the recorded backward of `linear` does: adds the gradients of what has any, from dy [rows, out].
void linear_backward(Context&, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& dy);

/// Logits: scale · x · weightᵀ in the accumulator type, y becoming softcap · tanh(y / softcap) if softcap is not 0.
/// Training fuses it with the loss; a router's scores have their gradient here.
///
/// Saves    x (no copy).
/// Throws   kUnimplemented when capped and recorded.
Tensor project(Context&, const Tensor& x, const Tensor& weight, double scale = 1, double softcap = 0);

/// y becomes softcap · tanh(y / softcap), in place; not differentiable.
void cap_logits(Context&, const Tensor& y, double softcap);

}  // namespace maru
