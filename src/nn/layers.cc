#include "nn/layers.h"

#include "nn/adapted.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/lora.h"
#include "ops/norm.h"
#include "ops/quantized.h"

namespace maru {

Tensor Linear::forward(Context& ctx, const Tensor& x) {
  if (ctx.observe_input != nullptr) (*ctx.observe_input)(weight, x);
  return by_adapter(
      ctx, x, {&weight, &bias}, [this](Context& c, const Tensor& rows) { return compute(c, rows); },
      has_bias ? Apart::kScaled : Apart::kReplaced);
}

Tensor Linear::compute(Context& ctx, const Tensor& x) {
  Parameter& w = chosen(ctx, weight);
  const Tensor b = has_bias ? ctx.use(chosen(ctx, bias)) : Tensor();
  const LoraWeights* const lora = common_update(ctx, weight);
  const Tensor inner = lora != nullptr && lora->is_decomposed() ? Tensor() : b;  // DoRA scales before the bias is added
  const Tensor y = w.quantized ? quantized_linear(ctx, x, w.quantized, inner) : linear(ctx, x, ctx.use(w), inner);
  return with_updates(ctx, y, x, weight, [&](Context& c, const Tensor& base, const Tensor& rows, LoraWeights& update) {
    return add_lora(c, base, rows, w, update, b);
  });
}

void Linear::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {out, in}, role);
  if (has_bias) visitor(prefix + ".bias", bias, {1, out}, ParameterRole::kBias);
}

namespace {

Tensor project_rows(Context& ctx, const Tensor& x, Parameter& weight, double scale, double softcap) {
  Parameter& w = chosen(ctx, weight);
  const bool sum_is_capped = softcap != 0 && common_update(ctx, weight) != nullptr;
  const double cap = sum_is_capped ? 0 : softcap;
  const Tensor y =
      w.quantized ? quantized_project(ctx, x, w.quantized, scale, cap) : project(ctx, x, ctx.use(w), scale, cap);
  const Tensor sum =
      with_updates(ctx, y, x, weight, [&](Context& c, const Tensor& base, const Tensor& rows, LoraWeights& update) {
        return add_lora(c, base, rows, w, update, {}, scale);
      });
  if (sum_is_capped) cap_logits(ctx, sum, softcap);
  return sum;
}

}  // namespace

Tensor project(Context& ctx, const Tensor& x, Parameter& weight, double scale, double softcap) {
  return by_adapter(
      ctx, x, {&weight}, [&](Context& c, const Tensor& rows) { return project_rows(c, rows, weight, scale, softcap); },
      softcap != 0 ? Apart::kUpdated : Apart::kReplaced);
}

Tensor RmsNorm::forward(Context& ctx, const Tensor& x) {
  return by_adapter(ctx, x, {&weight}, [this](Context& c, const Tensor& rows) {
    return rms_norm(c, rows, c.use(chosen(c, weight)), eps, weight_offset);
  });
}

void RmsNorm::visit(const std::string& prefix, const Visitor& visitor) {
  visitor(prefix + ".weight", weight, {1, dim}, weight_offset != 0 ? ParameterRole::kBias : ParameterRole::kVector);
}

Tensor LayerNorm::forward(Context& ctx, const Tensor& x) {
  return by_adapter(ctx, x, {&weight, &bias}, [this](Context& c, const Tensor& rows) {
    return layer_norm(c, rows, c.use(chosen(c, weight)), has_bias ? c.use(chosen(c, bias)) : Tensor(), eps);
  });
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
