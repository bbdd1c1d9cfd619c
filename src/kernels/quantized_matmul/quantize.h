// From numbers to groups of q and a scale. Plain C++ compiled once, and products that are exact in f64 (so that fusing
// them with a sum changes nothing): what is written does not depend on the machine.
#pragma once
#include <cmath>
#include <cstring>

#include "kernels/quantized_matmul/quantized_matmul.h"

namespace maru::kernels {
namespace {

// 32 consecutive weights of a row, zeros behind the end.
using Group = float[kQuantizedGroup];

struct QuantizedGroup {
  float scale = 0;  // as an f16 holds it
  float q[kQuantizedGroup] = {};
};

// To the nearest integer, ties to even, for |x| < 2^22: what is below the unit falls off the sum.
inline float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

/// The integers in [low, high] that stand for w at this scale, and the squared error.
inline double assign(QuantizedGroup& to, const Group& w, float scale, float low, float high) {
  to.scale = scale;
  const float inverse = scale == 0 ? 0 : 1 / scale;
  double error = 0;
  for (int64_t i = 0; i < kQuantizedGroup; ++i) {
    const float raw = w[i] * inverse, bounded = raw < low ? low : raw > high ? high : raw;
    to.q[i] = nearest(bounded);
    const double rest = static_cast<float>(w[i] - static_cast<double>(scale) * to.q[i]);
    error += rest * rest;
  }
  return error;
}

/// The scale that suits q best: Σ w·q / Σ q², as an f16.
inline float refit(const Group& w, const QuantizedGroup& g) {
  double numerator = 0, denominator = 0;
  for (int64_t i = 0; i < kQuantizedGroup; ++i) {
    numerator += static_cast<double>(w[i]) * g.q[i];
    denominator += g.q[i] * g.q[i];
  }
  return denominator == 0 ? 0 : to_float(to_float16(static_cast<float>(numerator / denominator)));
}

/// The element of largest magnitude.
inline float extreme(const Group& w) {
  float top = 0;
  for (float x : w)
    if (std::fabs(x) > std::fabs(top)) top = x;
  return top;
}

inline QuantizedGroup quantize_int8(const Group& w) {
  QuantizedGroup g;
  assign(g, w, to_float(to_float16(std::fabs(extreme(w)) / 127)), -127, 127);
  return g;
}

inline QuantizedGroup quantize_int4(const Group& w) {
  const float top = extreme(w);
  QuantizedGroup best, tried;
  double least = assign(best, w, 0, -8, 7);
  for (float at : {-8.0f, -9.0f, -8.5f, -7.5f, -7.0f, -6.5f, -6.0f, 7.0f}) {
    assign(tried, w, top / at, -8, 7);
    const double error = assign(tried, w, refit(w, tried), -8, 7);
    if (error >= least) continue;
    least = error;
    best = tried;
  }
  return best;
}

/// Writes row `lane` of a panel's group.
inline void store_group(std::byte* quads, QuantizedKind kind, const QuantizedGroup& g, int64_t lane) {
  for (int64_t i = 0; i < kQuantizedGroup; ++i) {
    const int64_t j = i / 4, at = 4 * lane + i % 4;
    const int q = static_cast<int>(g.q[i]);
    if (kind == QuantizedKind::kInt8) {
      quads[64 * j + at] = static_cast<std::byte>(q + 128);
    } else {
      std::byte& both = quads[64 * (j % 4) + at];
      both = j < 4 ? static_cast<std::byte>(q + 8) : both | static_cast<std::byte>((q + 8) << 4);
    }
  }
}

/// Row `row` of w, which may lie behind the last: then zeros. False if it cannot be represented.
template <class T>
bool quantize_row(const QuantizeMatrix<T>& a, int64_t row) {
  const int64_t groups = quantized_groups(a.k), first = row / kQuantizedPanel * groups, lane = row % kQuantizedPanel;
  bool fits = true;
  for (int64_t g = 0; g < groups; ++g) {
    Group w = {};
    for (int64_t i = 0; row < a.n && i < kQuantizedGroup && g * kQuantizedGroup + i < a.k; ++i)
      w[i] = to_float(a.w[row * a.ldw + g * kQuantizedGroup + i]);
    for (float x : w) fits = fits && std::fabs(x) < 65504.0f * 6;
    const QuantizedGroup q = !fits                            ? QuantizedGroup()
                             : a.kind == QuantizedKind::kInt8 ? quantize_int8(w)
                                                              : quantize_int4(w);
    store_group(a.quads + (first + g) * quantized_group_bytes(a.kind), a.kind, q, lane);
    a.scales[(first + g) * kQuantizedPanel + lane] = to_float16(q.scale);
  }
  return fits;
}

}  // namespace
}  // namespace maru::kernels
