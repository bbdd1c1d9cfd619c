// What losses over a vocabulary share: the largest of a row of logits, and the sum of their exponentials.
#pragma once
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

/// The largest of scale · x.
float scaled_maximum(const float* x, int64_t n, float scale) {
  F32 largest(-__builtin_inff());
  const int64_t full = n / kLanes * kLanes;
  for (int64_t i = 0; i < full; i += kLanes) largest = max(largest, load(x + i) * F32(scale));
  float result = reduce_max(largest);
  for (int64_t i = full; i < n; ++i) result = x[i] * scale > result ? x[i] * scale : result;
  return result;
}

/// Σ exp(scale · x - largest); x stays.
float sum_of_exponentials(const float* x, int64_t n, float scale, float largest) {
  F32 sum;
  for_lanes(n, [&](int64_t i, int64_t count) {
    sum = sum + keep_first(exp(fma(load(x + i, count), F32(scale), F32(-largest))), count);
  });
  return reduce_add(sum);
}

}  // namespace
}  // namespace maru::kernels
