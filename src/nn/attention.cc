#include "nn/attention.h"

namespace maru {

Attention::Attention(const AttentionConfig& c, int64_t layer_index)
    : config(c),
      layer(layer_index),
      q_proj{c.hidden_size, c.heads * c.head_dim, ParameterRole::kMatrix, c.qkv_bias},
      k_proj{c.hidden_size, c.kv_heads * c.head_dim, ParameterRole::kMatrix, c.qkv_bias},
      v_proj{c.hidden_size, c.kv_heads * c.head_dim, ParameterRole::kMatrix, c.qkv_bias},
      o_proj{c.heads * c.head_dim, c.hidden_size, ParameterRole::kOutput, c.output_bias} {
  if (!c.qk_norm) return;
  q_norm = RmsNorm{c.head_dim, c.norm_eps, c.norm_weight_offset};
  k_norm = RmsNorm{c.head_dim, c.norm_eps, c.norm_weight_offset};
}

Tensor Attention::forward(Context& ctx, const Tensor& x, const Batch& batch, const RopeTable& table) {
  Tensor q = q_proj.forward(ctx, x), k = k_proj.forward(ctx, x);
  if (q_norm) q = q_norm->forward(ctx, q);
  if (k_norm) k = k_norm->forward(ctx, k);
  if (table) {
    q = rope(ctx, q, batch.positions, table, config.head_dim);
    k = rope(ctx, k, batch.positions, table, config.head_dim);
  }
  const Tensor v = v_proj.forward(ctx, x);
  const AttentionOptions options{.heads = config.heads,
                                 .kv_heads = config.kv_heads,
                                 .head_dim = config.head_dim,
                                 .scale = config.scale,
                                 .window = config.window,
                                 .softcap = config.softcap};
  return o_proj.forward(ctx, attention(ctx, q, k, v, batch.key_spans, options, batch.key_pages(layer)));
}

void Attention::visit(const std::string& prefix, const Visitor& visitor) {
  q_proj.visit(prefix + ".q_proj", visitor);
  k_proj.visit(prefix + ".k_proj", visitor);
  v_proj.visit(prefix + ".v_proj", visitor);
  o_proj.visit(prefix + ".o_proj", visitor);
  if (q_norm) q_norm->visit(prefix + ".q_norm", visitor);
  if (k_norm) k_norm->visit(prefix + ".k_norm", visitor);
}

}  // namespace maru
