// Self-attention with grouped query heads, rotary positions and optional QK-norm.
#pragma once
#include <optional>

#include "nn/batch.h"
#include "nn/layers.h"
#include "ops/rope.h"

namespace maru {

struct AttentionConfig {
  int64_t hidden_size, heads, kv_heads, head_dim;
  double scale, norm_eps;
  bool qk_norm = false, causal = true;
};

struct Attention {
  AttentionConfig config;
  int64_t layer;
  Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<RmsNorm> q_norm, k_norm;

  Attention(const AttentionConfig&, int64_t layer);
  Tensor forward(Context&, const Tensor& x, const Batch&, const RopeTable&);
  void visit(const std::string& prefix, const Visitor&);
};

}  // namespace maru
