// The output projection and its loss, without ever holding all logits.
#pragma once
#include "ops/context.h"

namespace maru {

/// loss = scale · Σ over rows with target ≥ 0 of −log softmax(logit_scale · x · weightᵀ)[target].
/// With a soft cap, of softcap · tanh(logit_scale · x · weightᵀ / softcap).
/// When recording, gradients are computed in the same pass: the result must be what Tape::backward starts from.
///
/// Shapes   x [rows, dim]; weight [vocab_size, dim]; targets i32 [rows, 1] (negative: not counted);
///          loss [1, 1]; token_losses [rows, 1] or empty.
/// Types    loss and token_losses in the accumulator type.
/// Source   Hsu et al. 2024, arXiv:2410.10989 (Liger), §3.2; Wijmans et al. 2024, arXiv:2411.09009.
Tensor linear_cross_entropy(Context&, const Tensor& x, const Tensor& weight, const Tensor& targets, double scale,
                            double logit_scale = 1, const Tensor& token_losses = {}, double softcap = 0);

/// The same from logits that are there already; not differentiable. Adds scale · Σ loss to `loss`.
///
/// Shapes   logits [rows, vocab_size]; targets i32 and token_losses [rows, 1]; loss [1, 1].
/// Types    logits, loss and token_losses alike: f32 or f64.
void add_cross_entropy(Context&, const Tensor& loss, const Tensor& logits, const Tensor& targets, double scale,
                       const Tensor& token_losses);

}  // namespace maru
