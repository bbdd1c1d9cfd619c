// The output projection and its loss, without ever holding all logits.
#pragma once
#include "ops/context.h"

namespace maru {

/// How logits are made and the losses of rows are summed up.
struct LossOptions {
  double scale = 1, logit_scale = 1, softcap = 0;  // softcap 0: off
  Tensor weights;       // [rows, 1]: what a row's loss is multiplied with, of any sign; empty: 1
  Tensor token_losses;  // [rows, 1]: written, the loss of each row by itself; empty: not wanted
};

/// loss = scale · Σ over rows with target ≥ 0 of weights[row] · −log softmax(logit_scale · x · weightᵀ)[target].
/// With a soft cap, of softcap · tanh(logit_scale · x · weightᵀ / softcap).
/// When recording, gradients are computed in the same pass: the result must be what Tape::backward starts from.
///
/// Shapes   x [rows, dim]; weight [vocab_size, dim]; targets i32 [rows, 1] (negative: not counted);
///          loss [1, 1].
/// Types    loss, weights and token_losses in the accumulator type.
/// Source   Hsu et al. 2024, arXiv:2410.10989 (Liger), §3.2; Wijmans et al. 2024, arXiv:2411.09009.
Tensor linear_cross_entropy(Context&, const Tensor& x, const Tensor& weight, const Tensor& targets, const LossOptions&);

/// The same from logits that are there already; not differentiable. Adds scale · Σ weight · loss to `loss`.
///
/// Shapes   logits [rows, vocab_size]; targets i32 and token_losses [rows, 1]; weights too, or empty; loss [1, 1].
/// Types    logits, loss, weights and token_losses alike: f32 or f64.
void add_cross_entropy(Context&, const Tensor& loss, const Tensor& logits, const Tensor& targets, double scale,
                       const Tensor& token_losses, const Tensor& weights = {});

/// A loss of x whose slopes have been found already, as on the host: its gradient in x is `slopes`. What it is, is
/// written into the result by whoever found them. The result must be what Tape::backward starts from.
///
/// Shapes   x and slopes alike; loss [1, 1].
/// Types    x, slopes and loss alike.
/// Saves    slopes (no copy).
Tensor loss_with_slopes(Context&, const Tensor& x, const Tensor& slopes);

}  // namespace maru
