// The decoder: Llama, and what differs from it by configuration.
#pragma once
#include <optional>
#include <vector>

#include "models/config.h"
#include "nn/attention.h"
#include "nn/batch.h"
#include "nn/layers.h"

namespace maru {

struct DecoderBlock {
  double residual_multiplier;
  RmsNorm input_norm, mlp_norm;
  std::optional<RmsNorm> attention_post_norm, mlp_post_norm;
  Attention attention;
  Mlp mlp;

  DecoderBlock(const DecoderConfig&, int64_t layer);
  Tensor forward(Context&, const Tensor& x, const Batch&, const RopeTable&);
  void visit(const std::string& prefix, const Visitor&);
};

/// Weights are allocated by a visitor (see weights.h). Thread-compatible: forward only reads.
class Decoder {
 public:
  /// `dtype` is that of weights and activations; the configuration must be resolved.
  Decoder(const DecoderConfig& config, Dtype dtype);
  Decoder(const Decoder&) = delete;

  /// The residual stream after the last norm, [num_tokens, hidden_size].
  Tensor forward(Context&, const Batch&);
  /// f32 (or f64) logits of the given rows of it.
  Tensor logits(Context&, const Tensor& hidden);
  /// scale · Σ loss of the rows with a target; see linear_cross_entropy.
  Tensor loss(Context&, const Tensor& hidden, const Tensor& targets, double scale, const Tensor& token_losses = {});
  void visit(const Visitor&);

  const DecoderConfig& config() const { return config_; }
  Dtype dtype() const { return dtype_; }
  KvCacheShape cache_shape() const;
  bool recompute = false;  // training: keep only block inputs, compute the rest again in the backward

 private:
  Tensor embed(Context&, const Tensor& tokens);
  Parameter& head() { return config_.tie_word_embeddings ? embedding_ : lm_head_; }
  DecoderConfig config_;
  Dtype dtype_;
  Parameter embedding_, lm_head_;
  std::vector<DecoderBlock> blocks_;
  RmsNorm norm_;
  HostBuffer table_memory_;
  RopeTable table_;
};

}  // namespace maru
