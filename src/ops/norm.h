// RMS normalisation as a differentiable op.
#pragma once
#include "ops/context.h"

namespace maru {

/// y = x / sqrt(mean(x²) + eps) · weight, over groups of weight.cols() elements.
///
/// Shapes   x, y [rows, cols]; weight [1, group], group divides cols (group < cols: per-head QK-norm).
/// Types    x, y, weight alike; sums in f32.
/// Saves    x (no copy) and 1/rms, f32 [rows · cols / group], when recording.
/// Throws   kInvalidArgument if group does not divide cols.
/// Source   Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4.
Tensor rms_norm(Context&, const Tensor& x, const Tensor& weight, double eps);

}  // namespace maru
