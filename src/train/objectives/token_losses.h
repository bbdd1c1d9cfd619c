// Losses of single tokens, without gradients: what objectives of log-probabilities are computed from on the host.
#pragma once
#include "models/decoder.h"
#include "nn/batch.h"

namespace maru::train {

/// Of a decoder without any adapter, by a forward pass of its own. In a training context: nothing is recorded.
/// `sharpness`: what logits are multiplied with.
///
/// Shapes   targets i32 [rows, 1], and the result in the accumulator's type.
Tensor losses_of_reference(const Context&, Decoder& reference, const Batch&, const Tensor& targets,
                           double sharpness = 1);

/// Of the model that is trained, from the `hidden` of its forward pass.
Tensor losses_of_policy(const Context&, Decoder& policy, const Tensor& hidden, const Tensor& targets,
                        double sharpness = 1);

}  // namespace maru::train
