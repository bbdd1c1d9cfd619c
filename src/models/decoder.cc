#include "models/decoder.h"

#include "ops/checkpoint.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/loss.h"
#include "ops/quantized.h"

namespace maru {
namespace {

AttentionConfig attention_config(const DecoderConfig& c) {
  return {.hidden_size = c.hidden_size,
          .heads = c.num_attention_heads,
          .kv_heads = c.num_key_value_heads,
          .head_dim = c.head_dim,
          .scale = c.attention_scale(),
          .norm_eps = c.rms_norm_eps,
          .qk_norm = c.qk_norm};
}

Tensor maybe(std::optional<RmsNorm>& norm, Context& ctx, const Tensor& x) { return norm ? norm->forward(ctx, x) : x; }

}  // namespace

DecoderBlock::DecoderBlock(const DecoderConfig& c, int64_t layer)
    : residual_multiplier(c.residual_multiplier),
      input_norm{c.hidden_size, c.rms_norm_eps},
      mlp_norm{c.hidden_size, c.rms_norm_eps},
      attention(attention_config(c), layer),
      mlp(c.hidden_size, c.intermediate_size) {
  if (!c.use_post_norm) return;
  attention_post_norm = RmsNorm{c.hidden_size, c.rms_norm_eps};
  mlp_post_norm = RmsNorm{c.hidden_size, c.rms_norm_eps};
}

Tensor DecoderBlock::forward(Context& ctx, const Tensor& x, const Batch& batch, const RopeTable& table) {
  const Tensor a = maybe(attention_post_norm, ctx, attention.forward(ctx, input_norm.forward(ctx, x), batch, table));
  const Tensor h = add_scaled(ctx, x, a, residual_multiplier);
  const Tensor m = maybe(mlp_post_norm, ctx, mlp.forward(ctx, mlp_norm.forward(ctx, h)));
  return add_scaled(ctx, h, m, residual_multiplier);
}

void DecoderBlock::visit(const std::string& prefix, const Visitor& visitor) {
  input_norm.visit(prefix + ".input_layernorm", visitor);
  attention.visit(prefix + ".self_attn", visitor);
  if (attention_post_norm) attention_post_norm->visit(prefix + ".post_norm1", visitor);
  mlp_norm.visit(prefix + ".post_attention_layernorm", visitor);
  mlp.visit(prefix + ".mlp", visitor);
  if (mlp_post_norm) mlp_post_norm->visit(prefix + ".post_norm2", visitor);
}

Decoder::Decoder(const DecoderConfig& config, Dtype dtype)
    : config_(config), dtype_(dtype), norm_{config.hidden_size, config.rms_norm_eps} {
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) blocks_.emplace_back(config, i);
  const Shape shape{config.max_position_embeddings, config.head_dim / 2};
  const Dtype table_dtype = accumulator_of(dtype);
  const size_t bytes = static_cast<size_t>(shape.size()) * size_of(table_dtype);
  table_memory_ = HostBuffer(2 * bytes);
  table_ = {Tensor(nullptr, table_memory_.data(), shape, table_dtype),
            Tensor(nullptr, table_memory_.data() + bytes, shape, table_dtype)};
  fill_rope_table(table_, config.rope_theta);
}

Tensor Decoder::embed(Context& ctx, const Tensor& tokens) {
  if (embedding_.quantized)
    return quantized_embedding(ctx, tokens, embedding_.quantized, dtype_, config_.embedding_multiplier);
  return embedding(ctx, tokens, ctx.use(embedding_), config_.embedding_multiplier);
}

Tensor Decoder::forward(Context& ctx, const Batch& batch) {
  Tensor x = embed(ctx, batch.tokens);
  for (DecoderBlock& block : blocks_) {
    const auto run = [&block, &batch, this](Context& c, const Tensor& h) { return block.forward(c, h, batch, table_); };
    x = recompute ? checkpoint(ctx, x, run) : run(ctx, x);
  }
  return norm_.forward(ctx, x);
}

Tensor Decoder::logits(Context& ctx, const Tensor& hidden) {
  if (head().quantized) return quantized_project(ctx, hidden, head().quantized, config_.logits_multiplier);
  return project(ctx, hidden, head().value, head().packed, config_.logits_multiplier);
}

Tensor Decoder::loss(Context& ctx, const Tensor& hidden, const Tensor& targets, double scale,
                     const Tensor& token_losses) {
  if (head().quantized)
    throw Failure(ErrorCode::kUnimplemented, "[loss] the head is quantized: take the loss of its logits");
  return linear_cross_entropy(ctx, hidden, ctx.use(head()), targets, scale, config_.logits_multiplier, token_losses);
}

void Decoder::visit(const Visitor& visitor) {
  const Shape table{config_.vocab_size, config_.hidden_size};
  visitor("model.embed_tokens.weight", embedding_, table, ParameterRole::kEmbedding);
  for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i].visit("model.layers." + std::to_string(i), visitor);
  norm_.visit("model.norm", visitor);
  if (!config_.tie_word_embeddings) visitor("lm_head.weight", lm_head_, table, ParameterRole::kHead);
}

KvCacheShape Decoder::cache_shape() const {
  return {config_.num_hidden_layers, config_.num_key_value_heads, config_.head_dim, dtype_};
}

}  // namespace maru
