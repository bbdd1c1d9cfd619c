#include "models/encoder.h"

#include <fmt/format.h>

#include <cmath>

#include "ops/elementwise.h"
#include "ops/embedding.h"

namespace maru {
namespace {

void check_ids(std::span<const int32_t> ids, int64_t bound, const char* what) {
  for (int32_t id : ids)
    if (id < 0 || id >= bound)
      throw Failure(ErrorCode::kInvalidArgument, fmt::format("{} {}: the model has {}", what, id, bound));
}

AttentionOptions attention_options(const EncoderConfig& c) {
  return {.heads = c.num_attention_heads,
          .kv_heads = c.num_attention_heads,
          .head_dim = c.head_dim(),
          .scale = 1 / std::sqrt(static_cast<double>(c.head_dim())),
          .causal = false};
}

Linear with_bias(int64_t in, int64_t out, ParameterRole role = ParameterRole::kMatrix) {
  return {.in = in, .out = out, .role = role, .has_bias = true};
}

}  // namespace

TextLimits limits_of(const EncoderConfig& c) {
  return {.vocab_size = c.vocab_size,
          .max_tokens = c.max_tokens(),
          .type_vocab_size = c.type_vocab_size,
          .position_offset = c.position_offset};
}

void EncoderBatchBuilder::clear() {
  tokens_.clear();
  positions_.clear();
  types_.clear();
  spans_.clear();
}

void EncoderBatchBuilder::add(std::span<const int32_t> tokens, std::span<const int32_t> types) {
  const auto rows = static_cast<int64_t>(tokens.size());
  if (rows == 0 || rows > limits_.max_tokens)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("a text of {} tokens: expected 1 to {}", rows, limits_.max_tokens));
  if (!types.empty() && types.size() != tokens.size())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{} token types for {} tokens: expected as many", types.size(), rows));
  check_ids(tokens, limits_.vocab_size, "token");
  if (limits_.type_vocab_size > 0) check_ids(types, limits_.type_vocab_size, "token type");
  spans_.push_back({.first_row = num_tokens(), .rows = rows});
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  types_.insert(types_.end(), types.begin(), types.end());
  types_.resize(tokens_.size(), 0);
  for (int64_t i = 0; i < rows; ++i) positions_.push_back(static_cast<int32_t>(limits_.position_offset + i));
}

EncoderBatch EncoderBatchBuilder::batch(Context& ctx) const {
  const Shape shape{num_tokens(), 1};
  return {.tokens = ctx.upload(tokens_.data(), shape, Dtype::kI32),
          .positions = ctx.upload(positions_.data(), shape, Dtype::kI32),
          .types = ctx.upload(types_.data(), shape, Dtype::kI32),
          .spans = KeySpans(ctx, spans_)};
}

EncoderBlock::EncoderBlock(const EncoderConfig& c)
    : options(attention_options(c)),
      activation(c.activation()),
      query(with_bias(c.hidden_size, c.hidden_size)),
      key(with_bias(c.hidden_size, c.hidden_size)),
      value(with_bias(c.hidden_size, c.hidden_size)),
      attention_output(with_bias(c.hidden_size, c.hidden_size, ParameterRole::kOutput)),
      intermediate(with_bias(c.hidden_size, c.intermediate_size)),
      output(with_bias(c.intermediate_size, c.hidden_size, ParameterRole::kOutput)),
      attention_norm{c.hidden_size, c.layer_norm_eps},
      output_norm{c.hidden_size, c.layer_norm_eps} {}

Tensor EncoderBlock::forward(Context& ctx, const Tensor& x, const KeySpans& spans) {
  const Tensor seen = attention(ctx, query.forward(ctx, x), key.forward(ctx, x), value.forward(ctx, x), spans, options);
  const Tensor h = attention_norm.forward(ctx, add_scaled(ctx, attention_output.forward(ctx, seen), x));
  const Tensor m = output.forward(ctx, activate(ctx, intermediate.forward(ctx, h), activation));
  return output_norm.forward(ctx, add_scaled(ctx, m, h));
}

void EncoderBlock::visit(const std::string& prefix, const Visitor& visitor) {
  query.visit(prefix + ".attention.self.query", visitor);
  key.visit(prefix + ".attention.self.key", visitor);
  value.visit(prefix + ".attention.self.value", visitor);
  attention_output.visit(prefix + ".attention.output.dense", visitor);
  attention_norm.visit(prefix + ".attention.output.LayerNorm", visitor);
  intermediate.visit(prefix + ".intermediate.dense", visitor);
  output.visit(prefix + ".output.dense", visitor);
  output_norm.visit(prefix + ".output.LayerNorm", visitor);
}

Encoder::Encoder(const EncoderConfig& config, Dtype dtype)
    : Model(dtype),
      config_(config),
      norm_{config.hidden_size, config.layer_norm_eps},
      blocks_(static_cast<size_t>(config.num_hidden_layers), EncoderBlock(config)),
      dense_(with_bias(config.hidden_size, config.hidden_size)),
      classifier_(with_bias(config.hidden_size, config.num_labels)) {
  name_parameters();
}

Tensor Encoder::forward(Context& ctx, const EncoderBatch& batch) {
  Tensor x = embedding(ctx, batch.tokens, ctx.use(words_));
  x = add_scaled(ctx, x, embedding(ctx, batch.types, ctx.use(types_)));
  x = add_scaled(ctx, x, embedding(ctx, batch.positions, ctx.use(positions_)));
  x = norm_.forward(ctx, x);
  for (EncoderBlock& block : blocks_) x = block.forward(ctx, x, batch.spans);
  return x;
}

Tensor Encoder::classify(Context& ctx, const Tensor& hidden, const EncoderBatch& batch) {
  CHECK(config_.num_labels > 0);
  const Tensor first = pool(ctx, hidden, batch.spans, Pooling::kFirst);
  return classifier_.forward(ctx, activate(ctx, dense_.forward(ctx, first), Activation::kTanh));
}

std::vector<Parameter*> Encoder::classifier() {
  if (config_.num_labels == 0) return {};
  return {&dense_.weight, &dense_.bias, &classifier_.weight, &classifier_.bias};
}

void Encoder::visit(const Visitor& visitor) {
  const auto table = [&](const char* name, Parameter& p, int64_t rows) {
    visitor(std::string("embeddings.") + name + ".weight", p, {rows, config_.hidden_size}, ParameterRole::kEmbedding);
  };
  table("word_embeddings", words_, config_.vocab_size);
  table("position_embeddings", positions_, config_.max_position_embeddings);
  table("token_type_embeddings", types_, config_.type_vocab_size);
  norm_.visit("embeddings.LayerNorm", visitor);
  for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i].visit("encoder.layer." + std::to_string(i), visitor);
  if (config_.num_labels == 0) return;
  const bool pooler = config_.classifier_layout == "pooler";
  dense_.visit(pooler ? "pooler.dense" : "classifier.dense", visitor);
  classifier_.visit(pooler ? "classifier" : "classifier.out_proj", visitor);
}

}  // namespace maru
