#include "nn/layers.h"

#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/lora.h"
#include "ops/norm.h"
#include "ops/quantized.h"

namespace maru {

Tensor Linear::forward(Context& ctx, const Tensor& x) {
  if (ctx.observe_input != nullptr) (*ctx.observe_input)(weight, x);
  const Tensor b = has_bias ? ctx.use(bias) : Tensor();
  const LoraWeights* const lora = weight.lora;
  const Tensor inner = lora != nullptr && lora->row_scale ? Tensor() : b;  // DoRA scales before the bias is added
  const Tensor y =
      weight.quantized ? quantized_linear(ctx, x, weight.quantized, inner) : linear(ctx, x, ctx.use(weight), inner);
  return lora != nullptr ? add_lora(ctx, y, x, *lora, b) : y;
}

void Linear::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {out, in}, role);
  if (has_bias) visitor(prefix + ".bias", bias, {1, out}, ParameterRole::kBias);
}

Tensor project(Context& ctx, const Tensor& x, Parameter& weight, double scale, double softcap) {
  const double cap = weight.lora == nullptr ? softcap : 0;  // with an adapter the sum is capped
  const Tensor y = weight.quantized ? quantized_project(ctx, x, weight.quantized, scale, cap)
                                    : project(ctx, x, ctx.use(weight), scale, cap);
  if (weight.lora == nullptr) return y;
  const Tensor sum = add_lora(ctx, y, x, *weight.lora, {}, scale);
  if (softcap != 0) cap_logits(ctx, sum, softcap);
  return sum;
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
