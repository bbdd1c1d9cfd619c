// Weights of 8 or 4 bits: serving only. docs/quantization.md says what is rounded and how well it does.
#pragma once
#include <string_view>

#include "ops/context.h"
#include "ops/quantized_weight.h"

namespace maru {

/// Bytes of the two tensors of a weight of this shape.
int64_t quantized_quads_bytes(QuantizedKind, Shape weight);
int64_t quantized_scales_bytes(Shape weight);
/// A weight over tensors of somebody else, a mapped file for one.
///
/// Throws   kDataLoss when their lengths are not those of the shape, naming `where`.
QuantizedWeight quantized_view(QuantizedKind, Shape weight, Tensor quads, Tensor scales, std::string_view where);

/// Rounds a weight (f32 or bf16) into memory of its own.
///
/// Throws   kInvalidArgument when a weight is not finite or too large, kUnimplemented for another dtype.
QuantizedWeight quantize(const Stream&, const Tensor& weight, QuantizedKind);
/// The weight as f32 [rows, cols].
Tensor dequantize(Context&, const QuantizedWeight&);

/// y = x · weightᵀ + bias with activations rounded to 8 bits on the way in.
///
/// Shapes   x [rows, in]; weight [out, in]; bias [1, out] or empty; y [rows, out].
/// Types    x, bias and y alike: f32 or bf16 (f64 runs the reference). The bits are the same on every instruction set.
/// Throws   kUnimplemented while recording: quantized weights have no gradient.
Tensor quantized_linear(Context&, const Tensor& x, const QuantizedWeight&, const Tensor& bias = {});

/// Logits: scale · x · weightᵀ in the accumulator type; as quantized_linear otherwise.
Tensor quantized_project(Context&, const Tensor& x, const QuantizedWeight&, double scale = 1);

/// y[i] = multiplier · table[tokens[i]], in `dtype`.
Tensor quantized_embedding(Context&, const Tensor& tokens, const QuantizedWeight& table, Dtype dtype,
                           double multiplier = 1);

}  // namespace maru
