#include "nn/layers.h"

#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/quantized.h"

namespace maru {

Tensor Linear::forward(Context& ctx, const Tensor& x) {
  if (ctx.observe_input != nullptr) (*ctx.observe_input)(weight, x);
  const Tensor b = has_bias ? ctx.use(bias) : Tensor();
  if (weight.quantized) return quantized_linear(ctx, x, weight.quantized, b);
  return linear(ctx, x, ctx.use(weight), weight.packed, b);
}

void Linear::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {out, in}, role);
  if (has_bias) visitor(prefix + ".bias", bias, {1, out}, ParameterRole::kBias);
}

Tensor RmsNorm::forward(Context& ctx, const Tensor& x) { return rms_norm(ctx, x, ctx.use(weight), eps, weight_offset); }

void RmsNorm::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {1, dim}, weight_offset != 0 ? ParameterRole::kBias : ParameterRole::kVector);
}

Tensor LayerNorm::forward(Context& ctx, const Tensor& x) {
  return layer_norm(ctx, x, ctx.use(weight), has_bias ? ctx.use(bias) : Tensor(), eps);
}

void LayerNorm::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {1, dim}, ParameterRole::kVector);
  if (has_bias) visitor(prefix + ".bias", bias, {1, dim}, ParameterRole::kBias);
}

Mlp::Mlp(int64_t hidden_size, int64_t intermediate_size, Activation function, bool has_bias)
    : activation(function),
      gate_proj{hidden_size, intermediate_size, ParameterRole::kMatrix, has_bias},
      up_proj{hidden_size, intermediate_size, ParameterRole::kMatrix, has_bias},
      down_proj{intermediate_size, hidden_size, ParameterRole::kOutput, has_bias} {}

Tensor Mlp::forward(Context& ctx, const Tensor& x) {
  const Tensor gate = gate_proj.forward(ctx, x), up = up_proj.forward(ctx, x);
  const Tensor inner = activation == Activation::kSilu ? swiglu(ctx, gate, up) : gated(ctx, gate, up, activation);
  return down_proj.forward(ctx, inner);
}

void Mlp::visit(const std::string& prefix, const Visitor& visitor) {
  gate_proj.visit(prefix + ".gate_proj", visitor);
  up_proj.visit(prefix + ".up_proj", visitor);
  down_proj.visit(prefix + ".down_proj", visitor);
}

}  // namespace maru
