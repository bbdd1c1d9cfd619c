// Quantized multiplication in its plainest form: activations are rounded exactly as the kernels round them (in f32),
// everything after that is computed in T, which is double.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/quantized_matmul/quantized_matmul.h"

namespace maru::kernels::reference {

inline const std::byte* quantized_block(const QuantizedMatrix& w, int64_t row, int64_t col) {
  return w.quads + (row * quantized_groups(w.k) + col / kQuantizedGroup) * quantized_block_bytes(w.kind);
}

/// The number q that stands for w[row, col].
inline int quantized_element(const QuantizedMatrix& w, int64_t row, int64_t col) {
  const int64_t group = row / kQuantizedPanel * quantized_groups(w.k) + col / kQuantizedGroup,
                e = col % kQuantizedGroup;
  const bool blocks = w.layout == QuantizedLayout::kBlocks, wide = w.kind == QuantizedKind::kInt8;
  if (blocks && wide) return static_cast<int8_t>(quantized_block(w, row, col)[sizeof(float16) + e]);
  const int64_t at = 64 * (wide ? e / 4 : e / 4 % 4) + 4 * (row % kQuantizedPanel) + e % 4;
  const std::byte stored = blocks ? quantized_block(w, row, col)[sizeof(float16) + e % 16]
                                  : w.quads[group * quantized_group_bytes(w.kind) + at];
  const int bits = static_cast<int>(stored);
  return wide ? bits - 128 : (e < 16 ? bits & 15 : bits >> 4) - 8;
}

/// Of the scales or the offsets of panels, the one that belongs to w[row, col].
inline double quantized_factor(const QuantizedMatrix& w, const float16* factors, int64_t row, int64_t col) {
  const int64_t group = row / kQuantizedPanel * quantized_groups(w.k) + col / kQuantizedGroup;
  return static_cast<double>(to_float(factors[group * kQuantizedPanel + row % kQuantizedPanel]));
}
inline double quantized_scale(const QuantizedMatrix& w, int64_t row, int64_t col) {
  if (w.layout == QuantizedLayout::kPanels) return quantized_factor(w, w.scales, row, col);
  float16 scale;
  std::memcpy(&scale, quantized_block(w, row, col), sizeof scale);
  return static_cast<double>(to_float(scale));
}
inline double quantized_offset(const QuantizedMatrix& w, int64_t row, int64_t col) {
  return w.offsets == nullptr ? 0 : quantized_factor(w, w.offsets, row, col);
}

/// w[row, col] as a number.
inline double quantized_weight(const QuantizedMatrix& w, int64_t row, int64_t col) {
  return quantized_scale(w, row, col) * quantized_element(w, row, col) + quantized_offset(w, row, col);
}

/// A row of x as the kernels see it: q · scale.
template <class T>
std::vector<T> quantized_activations(const T* x, int64_t k) {
  std::vector<T> rounded(static_cast<size_t>(k));
  for (int64_t first = 0; first < k; first += kQuantizedChunk) {
    const int64_t last = std::min(k, first + kQuantizedChunk);
    float largest = 0;
    for (int64_t i = first; i < last; ++i) {
      const float size = std::fabs(static_cast<float>(x[i]));
      largest = std::isfinite(size) ? std::max(largest, size) : std::nanf("");
      if (std::isnan(largest)) break;
    }
    const float scale = largest < 0x1p-120f ? 0 : largest / 127.0f, inverse = scale == 0 ? 0 : 127.0f / largest;
    for (int64_t i = first; i < last; ++i)
      rounded[i] = T(scale) * T(scale == 0 ? 0 : std::nearbyint(static_cast<float>(x[i]) * inverse));
  }
  return rounded;
}

template <class T>
void quantized_matmul(const QuantizedMatmul<T, T>& a) {
  for (int64_t i = 0; i < a.m; ++i) {
    const std::vector<T> x = quantized_activations(a.x + i * a.ldx, a.w.k);
    for (int64_t j = 0; j < a.w.n; ++j) {
      T sum = 0;
      for (int64_t p = 0; p < a.w.k; ++p) sum += x[p] * T(quantized_weight(a.w, j, p));
      a.c[i * a.ldc + j] = T(a.multiplier) * sum + (a.bias != nullptr ? a.bias[j] : T(0));
    }
  }
}

template <class T>
void quantized_rows(const QuantizedRows<T>& a) {
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t p = 0; p < a.w.k; ++p)
      a.y[i * a.w.k + p] = T(a.multiplier) * T(quantized_weight(a.w, a.tokens != nullptr ? a.tokens[i] : i, p));
}

}  // namespace maru::kernels::reference
