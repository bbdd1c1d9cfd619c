// Block-quantized numbers as data: GGUF's types to f32, and f32 to those that Maru writes. Kernels that multiply with
// quantized weights are elsewhere; this is the reference they are measured against. Pure functions, thread-safe.
#pragma once
#include <cstddef>
#include <span>

#include "formats/ggml_type.h"

namespace maru::formats {

/// Whether dequantize knows this type.
bool can_dequantize(GgmlType type);
/// Whether quantize knows this type: F32, F16, BF16, Q8_0 and Q4_0.
bool can_quantize(GgmlType type);

/// Expands whole blocks to f32, the same bits as the gguf Python package.
///
/// Shapes   bytes: to.size() / block_elements blocks; CHECKed.
/// Types    F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS; CHECKed.
/// Source   the block layouts of ggml (ggml-common.h), as gguf.quants reads them.
void dequantize(GgmlType type, std::span<const std::byte> bytes, std::span<float> to);

/// Packs f32 into whole blocks, the same bits as the gguf Python package (round to nearest with the block's largest
/// magnitude on the grid).
///
/// Shapes   as for dequantize; CHECKed.
/// Throws   kInvalidArgument when a value that Q8_0 or Q4_0 must hold is not finite.
void quantize(GgmlType type, std::span<const float> values, std::span<std::byte> to);

}  // namespace maru::formats
