// The decoder: Llama, and what differs from it by configuration.
#pragma once
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "models/classic_block.h"
#include "models/config.h"
#include "models/model.h"
#include "nn/attention.h"
#include "nn/batch.h"
#include "nn/layers.h"
#include "nn/moe.h"
#include "ops/divergence.h"
#include "ops/loss.h"

namespace maru {

/// x + attention(x), then x + mlp(x), each with a norm before it, behind it, or both.
struct DecoderBlock {
  double residual_multiplier;
  std::optional<RmsNorm> input_norm, mlp_norm, attention_post_norm, mlp_post_norm;
  Attention attention;
  std::variant<Mlp, MoeMlp> mlp;

  DecoderBlock(const DecoderConfig&, int64_t layer);
  Tensor forward(Context&, const Tensor& x, const Batch&, const RopeTable&);
  void visit(const std::string& prefix, const Visitor&);
};

/// Weights are allocated by a visitor (see weights.h). Thread-compatible: forward only reads.
class Decoder final : public Model {
 public:
  /// `dtype` is that of weights and activations; the configuration must be resolved.
  Decoder(const DecoderConfig& config, Dtype dtype);

  /// The residual stream after the last norm, [num_tokens, hidden_size].
  Tensor forward(Context&, const Batch&);
  /// Its parts, for those who stop between them: the embeddings, and the residual stream behind one block.
  Tensor embed(Context&, const Batch&);
  Tensor block(Context&, int64_t layer, const Tensor& x, const Batch&);
  /// f32 (or f64) logits of the given rows of it.
  Tensor logits(Context&, const Tensor& hidden);
  /// scale · Σ weight · loss of the rows with a target; see LossOptions. That of a quantized head, or one with an
  /// adapter's update beside it, is not differentiable: throws kUnimplemented when recording.
  Tensor loss(Context&, const Tensor& hidden, const Tensor& targets, double scale, const Tensor& token_losses = {},
              const Tensor& weights = {});
  /// How far its distributions are from a teacher's (linear_divergence); logits are made as above. Throws
  /// kUnimplemented for a head with an adapter's update.
  Tensor divergence(Context&, const Tensor& hidden, const Tensor& targets, const LogitsOfRows& teacher,
                    DivergenceOptions options);
  void place_tables(Device&) override;
  /// As a model directory of its architecture: names and layout of Hugging Face's, with config.json.
  void save(const fs::path& directory) override;
  /// Of that layout, in any of the forms that models are read in.
  void load(const fs::path& directory) override;
  /// Gives a tied head a parameter of its own, over the same memory: an adapter may change the one and not the other.
  void separate_head();

  /// From now on rows of queries and keys that are rotated together are neighbours, as some files have them. Scores are
  /// the same, but for the order of their sums. CHECKs may_have_rotary_pairs.
  void use_rotary_pairs();
  bool has_rotary_pairs() const { return rotary_pairs_; }
  /// Not where a part of a head is rotated, or its dimensions have norms of their own.
  bool may_have_rotary_pairs() const;

  const DecoderConfig& config() const { return config_; }
  KvCacheShape cache_shape(bool int8 = false) const;
  bool recompute = false;  // training: keep only block inputs, compute the rest again in the backward
  /// Called with the embeddings (0) and the residual stream behind each block (1, 2, …), if set.
  std::function<void(int64_t depth, const Tensor& hidden)> observe;

 private:
  void visit(const Visitor&) override;
  using Block = std::variant<DecoderBlock, ClassicBlock>;
  using Norm = std::variant<RmsNorm, LayerNorm>;
  Tensor look_up(Context&, const Tensor& tokens);
  Tensor loss_of_logits(Context&, const Tensor& hidden, const Tensor& targets, const LossOptions&);
  Parameter& head() { return tied_ ? embedding_ : lm_head_; }
  const RopeTable& table_of(int64_t layer) const;
  DecoderConfig config_;
  bool tied_;  // the token table is the head, too
  bool rotary_pairs_ = false;
  Parameter embedding_, positions_, lm_head_;
  std::vector<Block> blocks_;
  Norm norm_;
  RopeTable table_, local_table_, no_table_;  // of all layers, or of those without and those with a window
};

}  // namespace maru
