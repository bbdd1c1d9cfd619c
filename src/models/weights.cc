#include "models/weights.h"

#include <cmath>

#include "base/random.h"

namespace maru {
namespace {

template <class T>
T convert(double x) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return to_bfloat16(static_cast<float>(x));
  } else {
    return T(static_cast<float>(x));  // rounded to f32 first, so that every dtype starts from the same numbers
  }
}

double deviation_of(const DecoderConfig& config, ParameterRole role) {
  const double residual = std::sqrt(2.0 * static_cast<double>(config.num_hidden_layers));
  return config.initializer_range / (role == ParameterRole::kOutput ? residual : 1.0);
}

}  // namespace

Dtype dtype_of(ParameterRole role, Dtype model) { return is_wide(role) ? accumulator_of(model) : model; }

int64_t value_bytes(Model& model) {
  int64_t bytes = 0;
  for (const Parameter* parameter : model.parameters()) bytes += static_cast<int64_t>(parameter->value.bytes());
  return bytes;
}

void allocate_values(Model& model) {
  for (Parameter* parameter : model.parameters())
    parameter->value = host_tensor(parameter->shape, dtype_of(parameter->role, model.dtype()));
}

void place(Device& device, Model& model) {
  for (Parameter* parameter : model.parameters()) {
    QuantizedWeight& w = parameter->quantized;
    for (Tensor* t : {&parameter->value, &w.quads, &w.scales, &w.offsets}) *t = device.place(*t);
  }
  model.place_tables(device);
}

void allocate_gradients(Device& device, Model& model) {
  for (Parameter* parameter : model.parameters())
    parameter->gradient = device.tensor(parameter->shape, accumulator_of(model.dtype()));
}

void fill_normal(Parameter& parameter, double deviation, uint64_t seed) {
  Random random(derive_seed(seed, parameter.name));
  visit_dtype(parameter.value.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < parameter.shape.size(); ++i)
      parameter.value.data<T>()[i] = convert<T>(deviation * random.normal());
  });
}

void initialise(Decoder& model, uint64_t seed) {
  for (Parameter* parameter : model.parameters()) {
    Random random(derive_seed(seed, parameter->name));
    const double deviation = deviation_of(model.config(), parameter->role);
    visit_dtype(parameter->value.dtype(), [&]<class T>() {
      T* values = parameter->value.data<T>();
      for (int64_t i = 0; i < parameter->shape.size(); ++i)
        values[i] = convert<T>(parameter->role == ParameterRole::kVector ? 1.0
                               : is_vector(parameter->role)              ? 0.0
                                                                         : deviation * random.normal());
    });
  }
}

}  // namespace maru
