// Rounding a model's matrices with regard to a text: block by block, each weight for what the blocks before it, rounded
// already, hand it (docs/quantization.md).
#pragma once
#include "models/quantize.h"

namespace maru {

/// As quantize_weights, with the weights of the blocks' linear layers rounded by GPTQ (gptq.h) for the inputs that
/// they have on `texts`. Tables, and the experts of mixtures, are rounded as by quantize_weights.
///
/// Shapes   texts: token sequences of at most the model's context.
/// Throws   kInvalidArgument when there is no text; as quantize_weights.
/// Cost     two passes of the text through the model and, for each matrix [out, in], in³ / 3 + out · in² operations.
///          Memory: the text's hidden states, and in² · 20 bytes for the widest input of a block.
void quantize_calibrated(Device&, Decoder& model, QuantizedKind kind, const std::vector<std::vector<int32_t>>& texts,
                         QuantizedKind table_kind = QuantizedKind::kInt8, const QuantizeProgress& progress = {});

}  // namespace maru
