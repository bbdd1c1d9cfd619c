// RMS and layer normalisation as differentiable ops.
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

/// y = (x - mean(x)) / sqrt(var(x) + eps) · weight + bias, over groups of weight.cols() elements.
///
/// Shapes   x, y [rows, cols]; weight [1, group], group divides cols; bias [1, group] or empty: none.
/// Types    all alike; sums in f32.
/// Saves    x (no copy), mean and 1/deviation, f32 [rows · cols / group] each, when recording.
/// Throws   kInvalidArgument if group does not divide cols or bias is not shaped as weight.
/// Source   Ba, Kiros & Hinton 2016, arXiv:1607.06450, eq. 4.
Tensor layer_norm(Context&, const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);

}  // namespace maru
