// Self-attention with grouped query heads, and what families add to it: biases, QK-norm, windows, soft caps.
#pragma once
#include <optional>

#include "nn/batch.h"
#include "nn/layers.h"
#include "ops/rope.h"

namespace maru {

struct AttentionConfig {
  int64_t hidden_size, heads, kv_heads, head_dim;
  double scale, norm_eps;
  bool qk_norm = false;
  double norm_weight_offset = 0;
  int64_t window = 0;  // keys a token sees, itself included; 0: all
  double softcap = 0;  // of scores; 0: off
  bool qkv_bias = false, output_bias = false;
};

struct Attention {
  AttentionConfig config;
  int64_t layer;
  Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<RmsNorm> q_norm, k_norm;

  Attention(const AttentionConfig&, int64_t layer);
  /// An empty table: no rotation.
  Tensor forward(Context&, const Tensor& x, const Batch&, const RopeTable&);
  void visit(const std::string& prefix, const Visitor&);
};

}  // namespace maru
