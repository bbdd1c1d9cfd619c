// One vector per sequence of a packed batch.
#pragma once
#include <cstdint>
#include <vector>

#include "ops/attention.h"

namespace maru {

enum class Pooling : uint8_t {
  kMean,   // of all tokens
  kFirst,  // the first token ([CLS], <s>)
  kLast,
};

/// Shapes   x [rows, cols]; the spans' rows lie in x, at least one each; y [number of spans, cols].
/// Types    sums in f32, rows in order: a sequence's vector does not depend on the others.
Tensor pool(Context&, const Tensor& x, const std::vector<KeySpan>& spans, Pooling pooling);

}  // namespace maru
