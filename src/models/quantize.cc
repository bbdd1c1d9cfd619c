#include "models/quantize.h"

#include "models/weights.h"
#include "ops/quantized.h"

namespace maru {
namespace {

bool is_table(ParameterRole role) { return role == ParameterRole::kEmbedding || role == ParameterRole::kHead; }

// Positions are added, not multiplied.
bool stays(ParameterRole role) { return is_vector(role) || role == ParameterRole::kPositions; }

}  // namespace

void quantize_weights(const Stream& stream, Decoder& model, QuantizedKind kind, QuantizedKind table_kind) {
  for (const ParameterInfo& info : parameters_of(model)) {
    if (stays(info.role) || info.parameter->quantized) continue;
    Parameter& p = *info.parameter;
    try {
      p.quantized = quantize(stream, p.value, is_table(info.role) ? table_kind : kind);
    } catch (const Failure& failure) {
      throw Failure(failure.code(), p.name + ": " + failure.what());
    }
    p.value = p.packed = Tensor();
  }
}

int64_t weight_bytes(Decoder& model) {
  size_t bytes = 0;
  for (const ParameterInfo& info : parameters_of(model)) {
    const Parameter& p = *info.parameter;
    bytes += p.quantized ? p.quantized.quads.bytes() + p.quantized.scales.bytes() + p.quantized.offsets.bytes()
                         : p.value.bytes();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace maru
