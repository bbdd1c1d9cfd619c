// Weights of 8 or 4 bits: they are served, and stay as they are while adapters are trained beside them.
// docs/quantization.md says what is rounded and how well it does.
#pragma once
#include <functional>
#include <string_view>

#include "ops/context.h"
#include "ops/quantized_weight.h"

namespace maru {

/// Bytes of the two tensors of a weight of this shape.
int64_t quantized_quads_bytes(QuantizedKind, Shape weight);
int64_t quantized_scales_bytes(Shape weight);
/// As the kernels take it.
kernels::QuantizedMatrix quantized_matrix(const QuantizedWeight&);
/// Scratch of a product with activations x.
int64_t quantized_scratch_bytes(const Context&, const Tensor& x);
/// A weight over tensors of somebody else, a mapped file for one.
///
/// Offsets  of the groups (w = scale · q + offset), or empty.
/// Throws   kDataLoss when their lengths are not those of the shape, naming `where`.
QuantizedWeight quantized_view(QuantizedKind, Shape weight, Tensor quads, Tensor scales, std::string_view where,
                               Tensor offsets = {});

/// A weight over rows of blocks that others wrote. CHECKs that they fit; the owner of the bytes has made sure of their
/// number.
QuantizedWeight quantized_blocks(QuantizedKind, Shape weight, Tensor blocks);

/// Fills rows [first_row, first_row + rows) of a weight that others quantized: w = scale · q + offset.
///
/// Shapes   q [rows, cols], in [-128, 127] or (int4) [-8, 7]; scales and offsets [rows, groups of 32 columns]; offsets
///          null where the weight has none.
using PackSource = std::function<void(int64_t first_row, int64_t rows, int8_t* q, float* scales, float* offsets)>;

/// Lays out a weight that is quantized already, in memory of the host: q as they are, scales and offsets rounded to
/// f16. `read` is called for up to 16 rows at a time, by all threads of the host at once.
///
/// Throws   kInvalidArgument when an f16 cannot hold a scale or an offset, naming the rows; what `read` throws.
/// Cost     about the speed of memory, and 16 rows per thread in addition to the result.
QuantizedWeight pack_quantized(const HostStream&, QuantizedKind, Shape weight, bool has_offsets,
                               const PackSource& read);

/// Rounds a weight (f32 or bf16) of a device into memory of its own there.
///
/// Throws   kInvalidArgument when a weight is not finite or too large, kUnimplemented for another dtype.
QuantizedWeight quantize(Device&, const Tensor& weight, QuantizedKind);
/// The weight as [rows, cols] of a dtype.
Tensor dequantize(Context&, const QuantizedWeight&, Dtype dtype = Dtype::kF32);

/// y = x · weightᵀ + bias with activations rounded to 8 bits on the way in. With a tape: `linear` with the weight as it
/// is dequantized, in x's type, forward and again backward, so that no more than one weight is there at a time; the
/// weight has no gradient (Dettmers et al. 2023, arXiv:2305.14314, eq. 5).
///
/// Shapes   x [rows, in]; weight [out, in]; bias [1, out] or empty; y [rows, out].
/// Types    x, bias and y alike: f32 or bf16 (f64 runs the reference). The bits are the same on every instruction set.
Tensor quantized_linear(Context&, const Tensor& x, const QuantizedWeight&, const Tensor& bias = {});

/// Logits: scale · x · weightᵀ in the accumulator type, capped as by `project`; as quantized_linear otherwise.
Tensor quantized_project(Context&, const Tensor& x, const QuantizedWeight&, double scale = 1, double softcap = 0);

/// y[i] = multiplier · table[tokens[i]], in `dtype`.
Tensor quantized_embedding(Context&, const Tensor& tokens, const QuantizedWeight& table, Dtype dtype,
                           double multiplier = 1);

}  // namespace maru
