#include "models/classic_block.h"

#include "ops/elementwise.h"

namespace maru {

AttentionConfig attention_config(const DecoderConfig& c, int64_t layer) {
  return {.hidden_size = c.hidden_size,
          .heads = c.num_attention_heads,
          .kv_heads = c.num_key_value_heads,
          .head_dim = c.head_dim,
          .scale = c.attention_scale(),
          .norm_eps = c.rms_norm_eps,
          .qk_norm = c.qk_norm,
          .norm_weight_offset = c.norm_weight_offset,
          .window = c.is_sliding(layer) ? c.sliding_window : 0,
          .softcap = c.attn_logit_softcapping,
          .qkv_bias = c.attention_bias,
          .output_bias = c.attention_output_bias};
}

Activation activation_of(const DecoderConfig& config) {
  if (const auto function = activation_named(config.hidden_act)) return *function;
  throw Failure(ErrorCode::kInvalidArgument, "model: hidden_act: \"" + config.hidden_act + "\" is not known");
}

PlainMlp::PlainMlp(int64_t hidden_size, int64_t intermediate_size, Activation function, bool has_bias)
    : activation(function),
      up_proj{hidden_size, intermediate_size, ParameterRole::kMatrix, has_bias},
      down_proj{intermediate_size, hidden_size, ParameterRole::kOutput, has_bias} {}

Tensor PlainMlp::forward(Context& ctx, const Tensor& x) {
  return down_proj.forward(ctx, activate(ctx, up_proj.forward(ctx, x), activation));
}

void PlainMlp::visit(const std::string& prefix, const Visitor& visitor) {
  up_proj.visit(prefix + ".up_proj", visitor);
  down_proj.visit(prefix + ".down_proj", visitor);
}

ClassicBlock::ClassicBlock(const DecoderConfig& c, int64_t layer)
    : parallel_residual(c.parallel_residual),
      input_norm{c.hidden_size, c.rms_norm_eps},
      mlp_norm{c.hidden_size, c.rms_norm_eps},
      attention(attention_config(c, layer), layer),
      mlp(c.hidden_size, c.intermediate_size, activation_of(c), c.mlp_bias) {}

Tensor ClassicBlock::forward(Context& ctx, const Tensor& x, const Batch& batch, const RopeTable& table) {
  const Tensor h = add_scaled(ctx, x, attention.forward(ctx, input_norm.forward(ctx, x), batch, table));
  const Tensor m = mlp.forward(ctx, mlp_norm.forward(ctx, parallel_residual ? x : h));
  return add_scaled(ctx, h, m);
}

void ClassicBlock::visit(const std::string& prefix, const Visitor& visitor) {
  input_norm.visit(prefix + ".input_layernorm", visitor);
  attention.visit(prefix + ".self_attn", visitor);
  mlp_norm.visit(prefix + ".post_attention_layernorm", visitor);
  mlp.visit(prefix + ".mlp", visitor);
}

}  // namespace maru
