// Low-rank adapters beside weights that stay as they are. The base weight may be quantized; what it gives is computed
// first, by linear or quantized_linear, and handed on here.
#pragma once
#include "ops/context.h"
#include "ops/lora_weights.h"

namespace maru {

/// y + multiplier · scale · b · (a · x); with DoRA row_scale ⊙ (that) + bias, so that y must come without the bias.
/// Where the lengths of rows are trained, row_scale is magnitude / (length of the rows of `weight` + scale · b · a) as
/// they are now, and the divisor a constant to the gradient, as in PEFT.
///
/// Shapes   x [rows, in]; y [rows, out], the base weight's multiplier · W · x; bias [1, out] or empty.
/// Types    x, a and b alike; y the same or their accumulator type (logits). A row has the same bits whatever the other
///          rows are.
/// Saves    x and a · x; with DoRA y and b · (a · x).
/// Throws   kUnimplemented when recorded beside logits, or with lengths of rows that stay; kInvalidArgument when shapes
///          or types do not fit.
/// Cost     2 · rows · rank · (in + out) flops, and y once more through memory; with lengths that are trained those of
///          lora_row_norms.
/// Source   Hu et al. 2021, arXiv:2106.09685, §4.1; Liu et al. 2024 (DoRA), arXiv:2402.09353, eq. 5 and §4.3.
Tensor add_lora(Context&, const Tensor& y, const Tensor& x, const Parameter& weight, LoraWeights&,
                const Tensor& bias = {}, double multiplier = 1);

/// y[i] + multiplier · scale · b · a[tokens[i]], y being the base table's rows times the multiplier.
Tensor add_lora_rows(Context&, const Tensor& y, const Tensor& tokens, LoraWeights&, double multiplier = 1);

/// The length of every row of weight + scale · b · a: what DoRA divides by.
///
/// Shapes   f64 [1, out].
/// Types    f32, bf16, f64 or quantized (as dequantized); sums of squares in f64.
/// Cost     4 · out · in · rank flops by the matmul kernels, one pass over the weight, and its memory as f32 if it is
///          quantized. Expands |w + s·b·a|² instead of building the sum.
Tensor lora_row_norms(Context&, const Parameter& weight, const LoraWeights&);

}  // namespace maru
