#include "optim/optimizer.h"

#include <cmath>

#include "kernels/adamw/adamw.h"
#include "kernels/convert/convert.h"
#include "kernels/muon/muon.h"
#include "kernels/reduce/reduce.h"
#include "ops/elementwise.h"

namespace maru {
namespace {

Tensor master_of(Device& device, const Tensor& value) {
  if (value.dtype() != Dtype::kBf16) return {};
  const Tensor from = to_host(value), master = host_tensor(value.shape(), Dtype::kF32);
  for (int64_t i = 0; i < from.size(); ++i) master.data<float>()[i] = to_float(from.data<bfloat16>()[i]);
  return device.place(master);
}

int64_t muon_scratch(const Context& ctx, const Tensor& value) {
  return ctx.ask(value.dtype(), [&]<class T>(auto& stream) -> int64_t {
    if constexpr (kernels::kIsSimd<T> || std::is_same_v<T, double>)
      return kernels::muon_scratch_bytes<T>(stream, value.rows(), value.cols());
    return 0;
  });
}

// In order; 0 in a dry run. Where the host reads what the device has computed.
double sum_of(const Context& ctx, const Tensor& x) {
  if (ctx.arena.dry()) return 0;
  const Tensor parts = to_host(x);
  double sum = 0;
  for (int64_t i = 0; i < parts.size(); ++i) sum += parts.data<double>()[i];
  return sum;
}

// Muon for matrices inside blocks, AdamW for the rest.
bool by_muon(const OptimizerConfig& config, const Parameter& parameter) {
  const bool matrix = parameter.role == ParameterRole::kMatrix || parameter.role == ParameterRole::kOutput;
  return matrix && config.name == "muon";
}

}  // namespace

size_t Optimizer::bytes_for(const OptimizerConfig& config, const std::vector<Parameter*>& parameters, Dtype dtype) {
  size_t bytes = 0;
  for (const Parameter* const parameter : parameters) {
    const size_t state = static_cast<size_t>(parameter->shape.size()) * size_of(accumulator_of(dtype));
    const bool masters = dtype == Dtype::kBf16 && !is_wide(parameter->role);
    bytes += state * ((masters ? 1U : 0U) + (by_muon(config, *parameter) ? 1U : 2U));
  }
  return bytes;
}

Optimizer::Optimizer(Device& device, const OptimizerConfig& config, const std::vector<Parameter*>& parameters)
    : config_(config) {
  for (Parameter* const parameter : parameters) {
    Slot slot{.parameter = parameter,
              .muon = by_muon(config, *parameter),
              .decay = !is_vector(parameter->role),
              .master = master_of(device, parameter->value),
              .first = {},
              .second = {}};
    slot.first = device.tensor(parameter->value.shape(), parameter->gradient.dtype());
    if (!slot.muon) slot.second = device.tensor(parameter->value.shape(), parameter->gradient.dtype());
    slots_.push_back(std::move(slot));
  }
}

double Optimizer::gradient_norm(Context& ctx) const {
  const auto count = static_cast<int64_t>(slots_.size());
  const Tensor squares = fill(ctx, {1, count}, Dtype::kF64, 0);
  for (int64_t i = 0; i < count; ++i) {
    const Tensor& gradient = slots_[static_cast<size_t>(i)].parameter->gradient;
    const int64_t partials = ctx.ask(
        gradient.dtype(), [&]<class T>(auto& stream) { return kernels::reduce_partials(stream, gradient.size()); });
    const Tensor partial = ctx.empty({1, partials}, Dtype::kF64);
    ctx.launch(gradient.dtype(), [&]<class T>(auto& stream) {
      if constexpr (std::is_floating_point_v<T>)
        kernels::sum_of_squares(stream, kernels::Reduce<T>{.result = squares.data<double>() + i,
                                                           .partial = partial.data<double>(),
                                                           .x = gradient.data<T>(),
                                                           .count = gradient.size()});
    });
  }
  return std::sqrt(sum_of(ctx, squares));
}

double Optimizer::clip_scale(double norm) const {
  return config_.clip > 0 && norm > config_.clip ? config_.clip / norm : 1;
}

void Optimizer::update(Context& ctx, int64_t step, double lr_factor, double gradient_scale) {
  for (Slot& slot : slots_) {
    if (slot.muon) {
      update_muon(ctx, slot, config_.lr * lr_factor, gradient_scale);
    } else {
      update_adamw(ctx, slot, step, config_.lr * lr_factor, gradient_scale);
    }
  }
}

void Optimizer::update_adamw(Context& ctx, Slot& slot, int64_t step, double lr, double gradient_scale) {
  const Tensor& value = slot.parameter->value;
  ctx.launch(value.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    if constexpr (kernels::kIsSimd<T> || std::is_same_v<T, double>)
      kernels::adamw(stream, kernels::AdamW<T>{.parameter = value.data<T>(),
                                               .master = slot.master.data<A>(),
                                               .m = slot.first.data<A>(),
                                               .v = slot.second.data<A>(),
                                               .gradient = slot.parameter->gradient.data<A>(),
                                               .count = value.size(),
                                               .step = step,
                                               .lr = lr,
                                               .beta1 = config_.beta1,
                                               .beta2 = config_.beta2,
                                               .eps = config_.eps,
                                               .weight_decay = slot.decay ? config_.weight_decay : 0,
                                               .gradient_scale = gradient_scale,
                                               .zero_gradient = true});
  });
}

void Optimizer::update_muon(Context& ctx, Slot& slot, double lr, double gradient_scale) {
  const Tensor& value = slot.parameter->value;
  const Tensor scratch = ctx.scratch(muon_scratch(ctx, value));
  ctx.launch(value.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    if constexpr (kernels::kIsSimd<T> || std::is_same_v<T, double>)
      kernels::muon(stream, kernels::Muon<T>{.parameter = value.data<T>(),
                                             .master = slot.master.data<A>(),
                                             .m = slot.first.data<A>(),
                                             .gradient = slot.parameter->gradient.data<A>(),
                                             .rows = value.rows(),
                                             .cols = value.cols(),
                                             .lr = lr,
                                             .momentum = config_.momentum,
                                             .weight_decay = config_.weight_decay,
                                             .gradient_scale = gradient_scale,
                                             .zero_gradient = true,
                                             .scratch = scratch.data<std::byte>()});
  });
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> all;
  for (const Slot& slot : slots_) {
    const std::string& name = slot.parameter->name;
    if (slot.master) all.push_back({"master." + name, slot.master});
    all.push_back({(slot.muon ? "momentum." : "m.") + name, slot.first});
    if (slot.second) all.push_back({"v." + name, slot.second});
  }
  return all;
}

}  // namespace maru
