// Mixtures of experts: who computes which token, and the products over groups of rows.
#pragma once
#include <vector>

#include "ops/context.h"

namespace maru {

struct RoutingOptions {
  int64_t experts = 0, per_token = 0;
  bool sigmoid = false, normalise = true;
  double scale = 1;
  int64_t groups = 1, top_groups = 1;
};

/// Rows of tokens ordered by expert. Sizes depend on the number of tokens alone, so a dry run knows them: grouped
/// tensors have a few rows behind the last pair, which nothing reads in the end.
struct Routing {
  Tensor weights, places;  // [tokens, per_token]: of each expert of a token, and its row among the grouped
  Tensor rows;             // i32 [grouped rows, 1]: the token of each
  Tensor first;            // i32 [1, experts + 1]: each expert's first row
};

/// See kernels::Route. `bias` may be empty; it has no gradient, as the choice has none.
/// Shapes   logits [tokens, experts] in the accumulator type, as is bias [1, experts].
/// Saves    logits, places and first (no copy).
Routing route(Context&, const Tensor& logits, const Tensor& bias, const RoutingOptions& options);

/// The row of each pair's token, in the order of experts.
/// Shapes   x [tokens, cols]; y [grouped rows, cols].
Tensor group_rows(Context&, const Tensor& x, const Routing& routing);

/// y = x · weightᵀ, each group of rows with its expert's weight: all of them quantized, or none.
/// Shapes   x [grouped rows, in]; weights [out, in] each; y [grouped rows, out].
/// Saves    x and the weights (no copy).
/// Throws   kUnimplemented while recording if they are quantized.
Tensor grouped_linear(Context&, const Tensor& x, const std::vector<Parameter*>& weights, const Routing& routing);

/// y[token] = Σ weights · x[places] over its experts, in their order.
/// Saves    x, weights and places (no copy).
Tensor combine(Context&, const Tensor& x, const Routing& routing);

}  // namespace maru
