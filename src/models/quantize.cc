#include "models/quantize.h"

#include "ops/quantized.h"

namespace maru {
namespace {

// Positions are added, not multiplied; a router's scores decide, and it is small.
bool stays(ParameterRole role) {
  return is_vector(role) || role == ParameterRole::kPositions || role == ParameterRole::kRouter;
}

template <class T>
Tensor converted(const Tensor& from, Dtype dtype) {
  const Tensor to = host_tensor(from.shape(), dtype);
  for (int64_t i = 0; i < from.size(); ++i) {
    if constexpr (std::is_same_v<T, bfloat16>)
      to.data<T>()[i] = to_bfloat16(from.data<float>()[i]);
    else
      to.data<T>()[i] = from.data<float>()[i];
  }
  return to;
}

}  // namespace

bool is_table(ParameterRole role) { return role == ParameterRole::kEmbedding || role == ParameterRole::kHead; }

std::vector<Parameter*> parameters_to_round(Model& model) {
  std::vector<Parameter*> all = model.parameters();
  std::erase_if(all, [](Parameter* parameter) { return stays(parameter->role) || parameter->quantized; });
  return all;
}

void round_parameter(Parameter& parameter, const std::function<QuantizedWeight(const Tensor& value)>& make) {
  try {
    parameter.quantized = make(parameter.value);
  } catch (const Failure& failure) {
    throw Failure(failure.code(), parameter.name + ": " + failure.what());
  }
  parameter.value = Tensor();
}

void quantize_weights(Device& device, Model& model, QuantizedKind kind, QuantizedKind table_kind,
                      const QuantizeProgress& progress) {
  place(device, model);
  int64_t done = 0;
  for (Parameter* parameter : parameters_to_round(model)) {
    round_parameter(*parameter, [&](const Tensor& value) {
      return quantize(device, value, is_table(parameter->role) ? table_kind : kind);
    });
    done += parameter->shape.size();
    if (progress) progress(done);
  }
}

void dequantize_weights(Device& device, Model& model, const QuantizeProgress& progress) {
  place(device, model);
  int64_t done = 0;
  for (Parameter* parameter : model.parameters()) {
    Parameter& p = *parameter;
    if (!p.quantized) continue;
    Arena arena(device, static_cast<size_t>(parameter->shape.size()) * sizeof(float) + 64);
    Context ctx{device, arena};
    const Tensor numbers = to_host(dequantize(ctx, p.quantized));
    p.value = device.place(model.dtype() == Dtype::kBf16 ? converted<bfloat16>(numbers, Dtype::kBf16)
                                                         : converted<float>(numbers, Dtype::kF32));
    p.quantized = {};
    done += parameter->shape.size();
    if (progress) progress(done);
  }
}

int64_t weight_bytes(Model& model) {
  size_t bytes = 0;
  for (Parameter* parameter : model.parameters()) {
    const Parameter& p = *parameter;
    bytes += p.quantized ? p.quantized.quads.bytes() + p.quantized.scales.bytes() + p.quantized.offsets.bytes()
                         : p.value.bytes();
  }
  return static_cast<int64_t>(bytes);
}

bool has_quantized_weights(Model& model) {
  for (Parameter* parameter : model.parameters())
    if (parameter->quantized) return true;
  return false;
}

}  // namespace maru
