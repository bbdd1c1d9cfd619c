// Rows of a quantized matrix as numbers again. Include after a tile_*.h.
#pragma once
#include "kernels/quantized_matmul/records.h"

namespace maru::kernels {
namespace {

// A group of one row of the matrix.
struct RowGroup {
  float q[kQuantizedGroup];
  float16 scale, offset{};
};

float number_of(QuantizedKind kind, std::byte stored, bool high) {
  const auto bits = static_cast<int32_t>(stored);
  const int32_t number = kind == QuantizedKind::kInt8 ? bits : high ? bits >> 4 : bits & 15;
  return static_cast<float>(number - shift_of(kind));
}

RowGroup group_of_panel(const QuantizedMatrix& w, int64_t row, int64_t g) {
  const PanelData panel = panel_of(w, row / kQuantizedPanel);
  const int64_t lane = row % kQuantizedPanel, at = g * kQuantizedPanel + lane;
  const std::byte* quads = panel.quads + g * quantized_group_bytes(w.kind) + 4 * lane;
  RowGroup group;
  for (int64_t e = 0; e < kQuantizedGroup; ++e) {
    const int64_t j = e / 4;
    group.q[e] = number_of(w.kind, quads[64 * (w.kind == QuantizedKind::kInt8 ? j : j % 4) + e % 4], j >= 4);
  }
  group.scale = panel.scales[at];
  if (panel.offsets != nullptr) group.offset = panel.offsets[at];
  return group;
}

RowGroup group_of_block(const QuantizedMatrix& w, int64_t row, int64_t g) {
  const std::byte* block = w.quads + (row * quantized_groups(w.k) + g) * quantized_block_bytes(w.kind);
  RowGroup group;
  __builtin_memcpy(&group.scale, block, sizeof group.scale);
  block += sizeof group.scale;
  for (int64_t e = 0; e < kQuantizedGroup; ++e)
    group.q[e] = w.kind == QuantizedKind::kInt8 ? static_cast<float>(static_cast<int8_t>(block[e]))
                                                : number_of(w.kind, block[e % 16], e >= 16);
  return group;
}

template <class T>
void dequantize_row(T* y, const QuantizedMatrix& w, int64_t row, float multiplier) {
  const auto group_of = w.layout == QuantizedLayout::kBlocks ? group_of_block : group_of_panel;
  for (int64_t g = 0; g < quantized_groups(w.k); ++g) {
    const RowGroup group = group_of(w, row, g);
    const int64_t col = g * kQuantizedGroup;
    const F32 scale(to_float(group.scale)), offset(to_float(group.offset)), factor(multiplier);
    for_lanes(smaller(kQuantizedGroup, w.k - col), [&](int64_t i, int64_t n) {
      store(y + col + i, fused(load(group.q + i, n), scale, offset) * factor, n);
    });
  }
}

}  // namespace
}  // namespace maru::kernels
