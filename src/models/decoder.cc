#include "models/decoder.h"

#include <algorithm>
#include <memory>

#include "nn/adapted.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/lora.h"
#include "ops/quantized.h"
#include "ops/recompute.h"

namespace maru {
namespace {

// Logits that are held at the same time when their loss is taken.
constexpr int64_t kLogitsAtOnce = 16 << 20;

bool is_classic(const DecoderConfig& c) { return c.norm_type == "layer_norm"; }

std::optional<RmsNorm> norm_if(bool wanted, const DecoderConfig& c) {
  if (!wanted) return std::nullopt;
  return RmsNorm{c.hidden_size, c.rms_norm_eps, c.norm_weight_offset};
}

Tensor maybe(std::optional<RmsNorm>& norm, Context& ctx, const Tensor& x) { return norm ? norm->forward(ctx, x) : x; }

MoeConfig moe_config(const DecoderConfig& c) {
  return {.hidden_size = c.hidden_size,
          .intermediate_size = c.moe_intermediate_size,
          .shared_size = c.moe_intermediate_size * c.n_shared_experts,
          .activation = activation_of(c),
          .routing = {.experts = c.num_experts,
                      .per_token = c.num_experts_per_tok,
                      .sigmoid = c.router_scoring == "sigmoid",
                      .normalise = c.norm_topk_prob,
                      .scale = c.routed_scaling_factor,
                      .groups = c.n_group,
                      .top_groups = c.topk_group}};
}

std::variant<Mlp, MoeMlp> mlp_of(const DecoderConfig& c, int64_t layer) {
  if (c.has_experts(layer)) return MoeMlp(moe_config(c));
  return Mlp(c.hidden_size, c.intermediate_size, activation_of(c), c.mlp_bias);
}

RopeTable make_table(const DecoderConfig& c, const RopeScaling& scaling, double theta, Dtype dtype) {
  const RopeFrequencies rope = rope_frequencies(scaling, theta, c.rotary_dim(), c.max_position_embeddings);
  const Shape shape{c.max_position_embeddings, c.rotary_dim() / 2};
  const RopeTable table{host_tensor(shape, dtype), host_tensor(shape, dtype), c.rope_interleaved};
  fill_rope_table(table, rope.frequencies, rope.magnitude);
  return table;
}

}  // namespace

DecoderBlock::DecoderBlock(const DecoderConfig& c, int64_t layer)
    : residual_multiplier(c.residual_multiplier),
      input_norm(norm_if(c.use_pre_norm, c)),
      mlp_norm(norm_if(c.use_pre_norm, c)),
      attention_post_norm(norm_if(c.use_post_norm, c)),
      mlp_post_norm(norm_if(c.use_post_norm, c)),
      attention(attention_config(c, layer), layer),
      mlp(mlp_of(c, layer)) {}

Tensor DecoderBlock::forward(Context& ctx, const Tensor& x, const Batch& batch, const RopeTable& table) {
  const Tensor a = attention.forward(ctx, maybe(input_norm, ctx, x), batch, table);
  const Tensor h = add_scaled(ctx, x, maybe(attention_post_norm, ctx, a), residual_multiplier);
  const Tensor inner = maybe(mlp_norm, ctx, h);
  const Tensor m = std::visit([&](auto& one) { return one.forward(ctx, inner); }, mlp);
  return add_scaled(ctx, h, maybe(mlp_post_norm, ctx, m), residual_multiplier);
}

void DecoderBlock::visit(const std::string& prefix, const Visitor& visitor) {
  if (input_norm) input_norm->visit(prefix + ".input_layernorm", visitor);
  attention.visit(prefix + ".self_attn", visitor);
  if (attention_post_norm) attention_post_norm->visit(prefix + ".post_norm1", visitor);
  if (mlp_norm) mlp_norm->visit(prefix + ".post_attention_layernorm", visitor);
  std::visit([&](auto& one) { one.visit(prefix + ".mlp", visitor); }, mlp);
  if (mlp_post_norm) mlp_post_norm->visit(prefix + ".post_norm2", visitor);
}

Decoder::Decoder(const DecoderConfig& c, Dtype dtype)
    : Model(dtype),
      config_(c),
      tied_(c.tie_word_embeddings),
      norm_(RmsNorm{c.hidden_size, c.rms_norm_eps, c.norm_weight_offset}) {
  if (is_classic(c)) norm_ = LayerNorm{c.hidden_size, c.rms_norm_eps};
  for (int64_t i = 0; i < c.num_hidden_layers; ++i)
    blocks_.push_back(is_classic(c) ? Block(ClassicBlock(c, i)) : Block(DecoderBlock(c, i)));
  name_parameters();
  if (c.learned_positions) return;
  table_ = make_table(c, c.rope_scaling, c.rope_theta, accumulator_of(dtype));
  if (c.rope_local_base_freq != 0) local_table_ = make_table(c, {}, c.rope_local_base_freq, accumulator_of(dtype));
}

const RopeTable& Decoder::table_of(int64_t layer) const {
  const bool sliding = config_.is_sliding(layer);
  if (sliding && local_table_) return local_table_;
  return sliding || config_.rope_on_full_attention ? table_ : no_table_;
}

Tensor Decoder::look_up(Context& ctx, const Tensor& tokens) {
  const double multiplier = config_.embedding_multiplier;
  return by_adapter(ctx, tokens, {&embedding_}, [&](Context& c, const Tensor& ids) {
    Parameter& table = chosen(c, embedding_);
    const Tensor x = table.quantized ? quantized_embedding(c, ids, table.quantized, dtype(), multiplier)
                                     : embedding(c, ids, c.use(table), multiplier);
    return with_updates(c, x, ids, embedding_,
                        [&](Context& run, const Tensor& rows, const Tensor& of, LoraWeights& update) {
                          return add_lora_rows(run, rows, of, update, multiplier);
                        });
  });
}

Tensor Decoder::embed(Context& ctx, const Batch& batch) {
  const Tensor x = look_up(ctx, batch.tokens);
  if (!config_.learned_positions) return x;
  const Tensor positions = by_adapter(ctx, batch.positions, {&positions_}, [this](Context& c, const Tensor& of) {
    return embedding(c, of, c.use(chosen(c, positions_)));
  });
  return add_scaled(ctx, x, positions);
}

Tensor Decoder::block(Context& ctx, int64_t layer, const Tensor& x, const Batch& batch) {
  return std::visit([&](auto& one) { return one.forward(ctx, x, batch, table_of(layer)); },
                    blocks_[static_cast<size_t>(layer)]);
}

Tensor Decoder::forward(Context& ctx, const Batch& batch) {
  Tensor x = embed(ctx, batch);
  if (observe) observe(0, x);
  const auto kept = recompute ? std::make_shared<const Batch>(batch) : nullptr;  // the caller's may be gone by then
  for (int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    const auto again = [this, i, kept](Context& c, const Tensor& h) { return block(c, i, h, *kept); };
    x = recompute ? recomputed(ctx, x, again) : block(ctx, i, x, batch);
    if (observe) observe(i + 1, x);
  }
  return std::visit([&](auto& norm) { return norm.forward(ctx, x); }, norm_);
}

Tensor Decoder::logits(Context& ctx, const Tensor& hidden) {
  return project(ctx, hidden, head(), config_.logits_multiplier, config_.final_logit_softcapping);
}

Tensor Decoder::loss(Context& ctx, const Tensor& hidden, const Tensor& targets, double scale,
                     const Tensor& token_losses, const Tensor& weights) {
  const LossOptions options{.scale = scale,
                            .logit_scale = config_.logits_multiplier,
                            .softcap = config_.final_logit_softcapping,
                            .weights = weights,
                            .token_losses = token_losses};
  if (ctx.adapters != nullptr && ctx.adapters->size() > 1)
    throw Failure(ErrorCode::kUnimplemented, "[loss] rows of several adapters: take the loss of each by itself");
  Parameter& weight = chosen(ctx, head());
  if (weight.quantized && ctx.tape != nullptr && common_update(ctx, head()) == nullptr)
    return linear_cross_entropy(ctx, hidden, dequantize(ctx, weight.quantized, hidden.dtype()), targets, options);
  if (weight.quantized || common_update(ctx, head()) != nullptr) return loss_of_logits(ctx, hidden, targets, options);
  return linear_cross_entropy(ctx, hidden, ctx.use(weight), targets, options);
}

Tensor Decoder::divergence(Context& ctx, const Tensor& hidden, const Tensor& targets, const LogitsOfRows& teacher,
                           DivergenceOptions options) {
  if (ctx.adapters != nullptr && (ctx.adapters->size() > 1 || common_update(ctx, head()) != nullptr))
    throw Failure(ErrorCode::kUnimplemented,
                  "[divergence] the head has an adapter's update, which cannot be trained: choose other targets");
  options.logit_scale = config_.logits_multiplier;
  options.softcap = config_.final_logit_softcapping;
  Parameter& weight = chosen(ctx, head());
  const Tensor value = weight.quantized ? dequantize(ctx, weight.quantized, hidden.dtype()) : ctx.use(weight);
  return linear_divergence(ctx, hidden, value, targets, teacher, options);
}

Tensor Decoder::loss_of_logits(Context& ctx, const Tensor& hidden, const Tensor& targets, const LossOptions& options) {
  if (ctx.tape != nullptr)
    throw Failure(ErrorCode::kUnimplemented,
                  "[loss] the head has an adapter's update, which cannot be trained: choose other targets");
  const Dtype dtype = accumulator_of(hidden.dtype());
  const int64_t rows = hidden.rows(), chunk = std::clamp<int64_t>(kLogitsAtOnce / config_.vocab_size, 1, 512);
  const Tensor losses = options.token_losses ? options.token_losses : ctx.empty({rows, 1}, dtype);
  Tensor loss = fill(ctx, {1, 1}, dtype, 0);
  for (int64_t first = 0; first < rows; first += chunk) {
    const auto part = [first, count = std::min(chunk, rows - first)](const Tensor& t) {
      return t ? t.rows_from(first, count) : t;
    };
    add_cross_entropy(ctx, loss, logits(ctx, part(hidden)), part(targets), options.scale, part(losses),
                      part(options.weights));
  }
  return loss;
}

void Decoder::visit(const Visitor& visitor) {
  const Shape table{config_.vocab_size, config_.hidden_size};
  visitor("model.embed_tokens.weight", embedding_, table, ParameterRole::kEmbedding);
  if (config_.learned_positions)
    visitor("model.embed_positions.weight", positions_, {config_.max_position_embeddings, config_.hidden_size},
            ParameterRole::kPositions);
  for (size_t i = 0; i < blocks_.size(); ++i)
    std::visit([&](auto& block) { block.visit("model.layers." + std::to_string(i), visitor); }, blocks_[i]);
  std::visit([&](auto& norm) { norm.visit("model.norm", visitor); }, norm_);
  if (!tied_) visitor("lm_head.weight", lm_head_, table, ParameterRole::kHead);
}

void Decoder::place_tables(Device& device) {
  for (RopeTable* table : {&table_, &local_table_})
    for (Tensor* part : {&table->cos, &table->sin}) *part = device.place(*part);
}

void Decoder::separate_head() {
  if (!tied_) return;
  lm_head_ = embedding_;
  tied_ = false;
  name_parameters();
}

bool Decoder::may_have_rotary_pairs() const {
  return !config_.learned_positions && !config_.rope_interleaved && !config_.qk_norm &&
         config_.rotary_dim() == config_.head_dim;
}

void Decoder::use_rotary_pairs() {
  CHECK(may_have_rotary_pairs());
  rotary_pairs_ = table_.interleaved = local_table_.interleaved = true;
}

KvCacheShape Decoder::cache_shape(bool int8) const {
  return {config_.num_hidden_layers, config_.num_key_value_heads, config_.head_dim, dtype(), int8};
}

}  // namespace maru
