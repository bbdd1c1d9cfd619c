// Quantized multiplication in its plainest form: activations are rounded exactly as the kernels round them (in f32),
// everything after that is computed in T, which is double.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/quantized_matmul/quantized_matmul.h"

namespace maru::kernels::reference {

/// The number q that stands for w[row, col].
inline int quantized_element(const QuantizedMatrix& w, int64_t row, int64_t col) {
  const int64_t group = row / kQuantizedPanel * quantized_groups(w.k) + col / kQuantizedGroup;
  const int64_t j = col % kQuantizedGroup / 4, at = 4 * (row % kQuantizedPanel) + col % 4;
  const std::byte* quads = w.quads + group * quantized_group_bytes(w.kind);
  if (w.kind == QuantizedKind::kInt8) return static_cast<int>(quads[64 * j + at]) - 128;
  const int both = static_cast<int>(quads[64 * (j % 4) + at]);
  return (j < 4 ? both & 15 : both >> 4) - 8;
}

/// Of the scales or the offsets, the one that belongs to w[row, col].
inline double quantized_factor(const QuantizedMatrix& w, const float16* factors, int64_t row, int64_t col) {
  const int64_t group = row / kQuantizedPanel * quantized_groups(w.k) + col / kQuantizedGroup;
  return static_cast<double>(to_float(factors[group * kQuantizedPanel + row % kQuantizedPanel]));
}
inline double quantized_scale(const QuantizedMatrix& w, int64_t row, int64_t col) {
  return quantized_factor(w, w.scales, row, col);
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
