// One vector per sequence of a packed batch.
#pragma once
#include <vector>

#include "kernels/pooling/pooling.h"
#include "ops/attention.h"

namespace maru {

using kernels::Pooling;

/// Shapes   x [rows, cols]; the spans' rows lie in x, at least one each; y [number of spans, cols].
/// Types    sums in f32, rows in order: a sequence's vector does not depend on the others.
Tensor pool(Context&, const Tensor& x, const KeySpans& spans, Pooling pooling);

}  // namespace maru
