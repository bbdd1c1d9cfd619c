// Rounding a model's matrices for serving (docs/quantization.md).
#pragma once
#include <functional>
#include <vector>

#include "models/weights.h"

namespace maru {

/// Called with the number of weights that have been rounded so far.
using QuantizeProgress = std::function<void(int64_t weights)>;

/// Gives every matrix of the blocks a quantized weight of `kind`, the token table and the head one of `table_kind`, and
/// lets go of their values; the model is placed on the device. Norms, biases, learned positions and the routers of
/// experts stay.
///
/// Throws   kInvalidArgument naming the tensor when a weight cannot be represented; kUnimplemented unless the model is
///          f32 or bf16.
/// Cost     while it runs, one quantized matrix beyond the model.
void quantize_weights(Device&, Model& model, QuantizedKind kind, QuantizedKind table_kind = QuantizedKind::kInt8,
                      const QuantizeProgress& progress = {});

/// The parameters that quantize_weights rounds and that are not rounded yet, in the order of visit.
std::vector<Parameter*> parameters_to_round(Model& model);
/// The token table and the head.
bool is_table(ParameterRole role);
/// Puts a quantized weight in the place of a parameter's value; `make` gets the value. Failures name the parameter.
void round_parameter(Parameter& parameter, const std::function<QuantizedWeight(const Tensor& value)>& make);

/// The way back: every quantized weight becomes a value in the model's dtype again.
void dequantize_weights(Device&, Model& model, const QuantizeProgress& progress = {});

/// Bytes of all weights as they are now, quantized or not.
int64_t weight_bytes(Model& model);
/// Whether any weight is quantized.
bool has_quantized_weights(Model& model);

}  // namespace maru
