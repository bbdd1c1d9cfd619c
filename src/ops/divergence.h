// How far the distributions of an output projection are from a teacher's, without ever holding the logits of all rows.
#pragma once
#include <functional>

#include "ops/context.h"

namespace maru {

/// Logits of the teacher for `rows` rows from `first` on, [rows, its vocabulary] in the accumulator type; they are
/// used up.
using LogitsOfRows = std::function<Tensor(Context&, int64_t first, int64_t rows)>;

/// What is measured (kernels/divergence), how logits are made and the losses of rows summed up.
struct DivergenceOptions {
  double beta = 0.5, temperature = 1, next_token = 0;
  double scale = 1, logit_scale = 1, softcap = 0;  // softcap 0: off
  Tensor weights;       // [rows, 1]: what a row's loss is multiplied with, of any sign; empty: 1
  Tensor token_losses;  // [rows, 1]: written, the loss of each row by itself; empty: not wanted
};

/// loss = scale · Σ over rows with target ≥ 0 of weights[row] · (D(teacher, student) + next_token · cross entropy), the
/// student's logits being logit_scale · x · weightᵀ, softcap · tanh(logits / softcap) with a soft cap.
/// When recording, gradients are computed in the same pass: the result must be what Tape::backward starts from.
///
/// Shapes   x [rows, dim]; weight [vocab_size, dim]; targets i32 [rows, 1] (negative: not counted); loss [1, 1].
/// Types    loss, weights and token_losses in the accumulator type.
/// Memory   two to four times 16 Mi logits: rows are taken in chunks of that many logits, 64 to 512 of them.
/// Source   Agarwal et al. 2024 (GKD), arXiv:2306.13649, eq. 1.
Tensor linear_divergence(Context&, const Tensor& x, const Tensor& weight, const Tensor& targets,
                         const LogitsOfRows& teacher, const DivergenceOptions&);

}  // namespace maru
