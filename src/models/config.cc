#include "models/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace maru {
namespace {

[[noreturn]] void misfit(const std::string& message) {
  throw Failure(ErrorCode::kInvalidArgument, "model: " + message);
}

int64_t default_head_dim(const DecoderConfig& c) {
  if (c.hidden_size % c.num_attention_heads != 0)
    misfit(fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size,
                       c.num_attention_heads));
  return c.hidden_size / c.num_attention_heads;
}

void check_attention(const DecoderConfig& c) {
  if (c.head_dim % 2 != 0 || c.head_dim > 256)
    misfit(fmt::format("head_dim is {}, expected an even number up to 256", c.head_dim));
  if (c.num_attention_heads % c.num_key_value_heads != 0)
    misfit(fmt::format("num_attention_heads {} is not a multiple of num_key_value_heads {}", c.num_attention_heads,
                       c.num_key_value_heads));
  if (!c.layer_types.empty() && static_cast<int64_t>(c.layer_types.size()) != c.num_hidden_layers)
    misfit(fmt::format("layer_types has {} entries, expected one for each of {} layers", c.layer_types.size(),
                       c.num_hidden_layers));
  if (c.rotary_dim() % 2 != 0)
    misfit(fmt::format("partial_rotary_factor {} of head_dim {} is {}, expected an even number",
                       c.partial_rotary_factor, c.head_dim, c.rotary_dim()));
}

void check_experts(const DecoderConfig& c) {
  if (c.num_experts == 0) return;
  if (c.num_experts_per_tok < 1 || c.num_experts_per_tok > c.num_experts || c.moe_intermediate_size < 1)
    misfit(
        fmt::format("{} experts of width {}, {} per token: expected at least one of each and no more per token than "
                    "there are",
                    c.num_experts, c.moe_intermediate_size, c.num_experts_per_tok));
  if (c.num_experts % c.n_group != 0 || c.topk_group > c.n_group ||
      c.num_experts / c.n_group * c.topk_group < c.num_experts_per_tok)
    misfit(fmt::format("n_group {} and topk_group {} leave too few of {} experts for {} per token", c.n_group,
                       c.topk_group, c.num_experts, c.num_experts_per_tok));
}

// One form for each meaning, so that configurations that compute the same are equal.
void normalise(DecoderConfig& c) {
  if (c.attention_multiplier == 1 / std::sqrt(static_cast<double>(c.head_dim))) c.attention_multiplier = 0;
  if (c.rope_scaling.rope_type == "default") c.rope_scaling = {};
  const auto sliding = std::count(c.layer_types.begin(), c.layer_types.end(), "sliding_attention");
  if (!c.layer_types.empty() && sliding == 0) c.sliding_window = 0;
  if (c.sliding_window == 0 || sliding == c.num_hidden_layers) c.layer_types.clear();
  std::erase_if(c.dense_layers, [&](int64_t layer) { return c.num_experts == 0 || layer >= c.num_hidden_layers; });
}

bool is_gated(const DecoderConfig& c) { return c.norm_type == "rms_norm"; }

// Weights of the MLPs of all layers; with experts, of all of them or of those that a token meets.
int64_t count_mlps(const DecoderConfig& c, bool all_experts) {
  const int64_t matrices = is_gated(c) ? 3 : 2, dense = matrices * c.hidden_size * c.intermediate_size;
  const int64_t experts = (all_experts ? c.num_experts : c.num_experts_per_tok) + c.n_shared_experts;
  const int64_t mixture = matrices * c.hidden_size * c.moe_intermediate_size * experts + c.hidden_size * c.num_experts;
  int64_t sum = 0;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) sum += c.has_experts(i) ? mixture : dense;
  return sum;
}

int64_t count_matrices(const DecoderConfig& c, bool all_experts) {
  const int64_t q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
  return c.num_hidden_layers * c.hidden_size * (2 * q + 2 * kv) + count_mlps(c, all_experts) +
         c.vocab_size * c.hidden_size;
}

int64_t count_router_biases(const DecoderConfig& c) {
  int64_t sum = 0;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i)
    if (c.has_experts(i) && c.router_scoring == "sigmoid") sum += c.num_experts;
  return sum;
}

// Biases and norm weights.
int64_t count_vectors(const DecoderConfig& c) {
  const int64_t per_norm = is_gated(c) ? c.hidden_size : 2 * c.hidden_size;
  const int64_t norms = 2 * int64_t{c.use_pre_norm} + 2 * int64_t{c.use_post_norm};
  const int64_t qkv = (c.num_attention_heads + 2 * c.num_key_value_heads) * c.head_dim;
  const int64_t block = norms * per_norm + (c.qk_norm ? 2 * c.head_dim : 0) + (c.attention_bias ? qkv : 0) +
                        (c.attention_output_bias ? c.hidden_size : 0) +
                        (c.mlp_bias ? (is_gated(c) ? 2 : 1) * c.intermediate_size + c.hidden_size : 0);
  return c.num_hidden_layers * block + per_norm + count_router_biases(c);
}

}  // namespace

double DecoderConfig::attention_scale() const {
  return attention_multiplier != 0 ? attention_multiplier : 1 / std::sqrt(static_cast<double>(head_dim));
}

bool DecoderConfig::is_sliding(int64_t layer) const {
  return sliding_window > 0 && (layer_types.empty() || layer_types[static_cast<size_t>(layer)] == "sliding_attention");
}

int64_t DecoderConfig::rotary_dim() const {
  return static_cast<int64_t>(static_cast<double>(head_dim) * partial_rotary_factor);
}

DecoderConfig resolve(DecoderConfig c) {
  if (c.head_dim == 0) c.head_dim = default_head_dim(c);
  check_attention(c);
  check_experts(c);
  normalise(c);
  if (c.vocab_size < 1) misfit("vocab_size is 0");
  return c;
}

bool DecoderConfig::has_experts(int64_t layer) const {
  return num_experts > 0 && std::find(dense_layers.begin(), dense_layers.end(), layer) == dense_layers.end();
}

int64_t count_matmul_parameters(const DecoderConfig& c) { return count_matrices(c, /*all_experts=*/false); }

int64_t count_parameters(const DecoderConfig& c) {
  return count_matrices(c, /*all_experts=*/true) + count_vectors(c) +
         (c.tie_word_embeddings ? 0 : c.vocab_size * c.hidden_size) +
         (c.learned_positions ? c.max_position_embeddings * c.hidden_size : 0);
}

double training_flops_per_token(const DecoderConfig& c, double mean_context) {
  const double attention =
      12.0 * static_cast<double>(c.num_hidden_layers * c.num_attention_heads * c.head_dim) * mean_context / 2;
  return 6.0 * static_cast<double>(count_matmul_parameters(c)) + attention;
}

}  // namespace maru
