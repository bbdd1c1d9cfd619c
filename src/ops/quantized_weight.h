// A weight of 8 or 4 bits as tensors. See ops/quantized.h for what is done with it.
#pragma once
#include "kernels/quantized_matmul/quantized_matmul.h"
#include "tensor/tensor.h"

namespace maru {

using kernels::QuantizedKind;
using kernels::QuantizedLayout;

/// A quantized [rows, cols] matrix: bytes in a layout that every instruction set reads, so that they may lie in a
/// mapped file. The tensors keep their memory alive.
struct QuantizedWeight {
  QuantizedKind kind = QuantizedKind::kInt8;
  Shape shape;
  Tensor quads;    // u8 [1, quantized_quads_bytes]; in blocks [1, quantized_blocks_bytes], with the scales
  Tensor scales;   // f16 as u8 [1, quantized_scales_bytes], or empty
  Tensor offsets;  // the same, or empty: w = scale · q + offset
  QuantizedLayout layout = QuantizedLayout::kPanels;
  explicit operator bool() const { return static_cast<bool>(quads); }
};

}  // namespace maru
