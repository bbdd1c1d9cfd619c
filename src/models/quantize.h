// Rounding a model's matrices for serving (docs/quantization.md).
#pragma once
#include "models/decoder.h"

namespace maru {

/// Gives every matrix of the blocks a quantized weight of `kind`, the token table and the head one of `table_kind`, and
/// lets go of their values. Norms and biases stay.
///
/// Throws   kInvalidArgument naming the tensor when a weight cannot be represented; kUnimplemented unless the model is
///          f32 or bf16.
/// Cost     while it runs, one quantized matrix beyond the model.
void quantize_weights(const Stream&, Decoder& model, QuantizedKind kind,
                      QuantizedKind table_kind = QuantizedKind::kInt8);

/// Bytes of all weights as they are now, quantized or not.
int64_t weight_bytes(Decoder& model);

}  // namespace maru
