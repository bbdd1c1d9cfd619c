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

std::vector<ParameterInfo> parameters_of(Decoder& model) {
  std::vector<ParameterInfo> all;
  model.visit([&](const std::string& name, Parameter& p, Shape shape, ParameterRole role) {
    p.name = name;
    all.push_back({&p, shape, role});
  });
  return all;
}

Dtype dtype_of(ParameterRole role, Dtype model) {
  return role == ParameterRole::kRouterBias ? accumulator_of(model) : model;
}

void allocate_values(Decoder& model) {
  for (const ParameterInfo& info : parameters_of(model))
    info.parameter->value = host_tensor(info.shape, dtype_of(info.role, model.dtype()));
}

void place(Device& device, Decoder& model) {
  for (const ParameterInfo& info : parameters_of(model)) {
    QuantizedWeight& w = info.parameter->quantized;
    for (Tensor* t : {&info.parameter->value, &w.quads, &w.scales, &w.offsets}) *t = device.place(*t);
  }
  model.place_tables(device);
}

void allocate_gradients(Device& device, Decoder& model) {
  for (const ParameterInfo& info : parameters_of(model))
    info.parameter->gradient = device.tensor(info.shape, accumulator_of(model.dtype()));
}

void initialise(Decoder& model, uint64_t seed) {
  for (const ParameterInfo& info : parameters_of(model)) {
    Random random(derive_seed(seed, info.parameter->name));
    const double deviation = deviation_of(model.config(), info.role);
    visit_dtype(info.parameter->value.dtype(), [&]<class T>() {
      T* values = info.parameter->value.data<T>();
      for (int64_t i = 0; i < info.shape.size(); ++i)
        values[i] = convert<T>(info.role == ParameterRole::kVector ? 1.0
                               : is_vector(info.role)              ? 0.0
                                                                   : deviation * random.normal());
    });
  }
}

}  // namespace maru
