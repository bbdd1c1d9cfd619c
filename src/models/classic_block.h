// The block of GPT-2 and GPT-NeoX: LayerNorm, biases, an MLP that is not gated, and maybe both halves side by side.
#pragma once
#include "models/config.h"
#include "nn/attention.h"
#include "nn/batch.h"
#include "nn/layers.h"

namespace maru {

/// down(f(up(x))).
struct PlainMlp {
  Activation activation;
  Linear up_proj, down_proj;
  PlainMlp(int64_t hidden_size, int64_t intermediate_size, Activation activation, bool has_bias);
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);
};

/// h = x + attention(norm(x)); h + mlp(norm(h)). With a parallel residual: x + attention(norm(x)) + mlp(norm'(x)).
/// Source   Radford et al. 2019 (GPT-2), §2.3; Black et al. 2022 (GPT-NeoX), arXiv:2204.06745, §2.1.
struct ClassicBlock {
  bool parallel_residual;
  LayerNorm input_norm, mlp_norm;
  Attention attention;
  PlainMlp mlp;

  ClassicBlock(const DecoderConfig&, int64_t layer);
  Tensor forward(Context&, const Tensor& x, const Batch&, const RopeTable&);
  void visit(const std::string& prefix, const Visitor&);
};

/// What a layer's attention takes from the configuration.
AttentionConfig attention_config(const DecoderConfig& config, int64_t layer);
/// Throws kInvalidArgument for a name that is no activation.
Activation activation_of(const DecoderConfig& config);

}  // namespace maru
