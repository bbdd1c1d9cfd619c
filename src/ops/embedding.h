// Row lookups.
#pragma once
#include "ops/context.h"

namespace maru {

/// y[i] = multiplier · table[tokens[i]].
///
/// Shapes   tokens i32 [rows, 1], each in [0, table.rows()); table [vocab_size, dim]; y [rows, dim].
/// Saves    tokens (no copy).
Tensor embedding(Context&, const Tensor& tokens, const Tensor& table, double multiplier = 1);

/// y[i] = x[rows[i]]; not differentiable: picks the rows whose logits are wanted.
Tensor gather_rows(Context&, const Tensor& x, const Tensor& rows);

}  // namespace maru
