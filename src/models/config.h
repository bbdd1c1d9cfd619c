// The configuration of a decoder. Field names are Hugging Face's; architectures are values of this struct.
#pragma once
#include <cstdint>
#include <string>

#include "base/fields.h"

namespace maru {

struct DecoderConfig {
  int64_t vocab_size = 0, hidden_size = 256, intermediate_size = 768, num_hidden_layers = 6;
  int64_t num_attention_heads = 8, num_key_value_heads = 4, head_dim = 0;  // head_dim 0: hidden_size / heads
  int64_t max_position_embeddings = 1024;
  double rope_theta = 10000, rms_norm_eps = 1e-5, initializer_range = 0.02;
  bool tie_word_embeddings = true;
  bool qk_norm = false;        // RMS norm of queries and keys per head (Qwen3)
  bool use_post_norm = false;  // norms after attention and MLP too (Peri-LN: HyperCLOVA X SEED)
  double embedding_multiplier = 1, attention_multiplier = 0, residual_multiplier = 1, logits_multiplier = 1;  // muP

  /// attention_multiplier, or 1/sqrt(head_dim) when that is 0.
  double attention_scale() const;

  static constexpr auto fields() {
    using C = DecoderConfig;
    return std::tuple{
        field("vocab_size", &C::vocab_size, "tokens in the vocabulary; 0: the tokenizer's").range(0, 4 << 20),
        field("hidden_size", &C::hidden_size, "width of the residual stream").range(2, 65536),
        field("intermediate_size", &C::intermediate_size, "width inside the MLP").range(1, 1 << 20),
        field("num_hidden_layers", &C::num_hidden_layers, "number of blocks").range(1, 1024),
        field("num_attention_heads", &C::num_attention_heads, "query heads").range(1, 1024),
        field("num_key_value_heads", &C::num_key_value_heads, "key and value heads; divides the query heads")
            .range(1, 1024),
        field("head_dim", &C::head_dim, "width of a head; 0: hidden_size / num_attention_heads").range(0, 256),
        field("max_position_embeddings", &C::max_position_embeddings, "longest context").range(1, 1 << 24),
        field("rope_theta", &C::rope_theta, "base of the rotary frequencies").range(1, 1e12),
        field("rms_norm_eps", &C::rms_norm_eps, "added to the mean square in norms").range(0, 1),
        field("initializer_range", &C::initializer_range, "standard deviation of initial weights").range(0, 10),
        field("tie_word_embeddings", &C::tie_word_embeddings, "one table for input and output tokens"),
        field("qk_norm", &C::qk_norm, "RMS norm of queries and keys, per head (Qwen3)"),
        field("use_post_norm", &C::use_post_norm, "norms after attention and MLP too (Peri-LN)"),
        field("embedding_multiplier", &C::embedding_multiplier, "muP: scales the embeddings").range(-1e6, 1e6),
        field("attention_multiplier", &C::attention_multiplier, "muP: replaces 1/sqrt(head_dim); 0: off").range(0, 1e6),
        field("residual_multiplier", &C::residual_multiplier, "muP: scales what a block adds").range(-1e6, 1e6),
        field("logits_multiplier", &C::logits_multiplier, "muP: scales the logits").range(-1e6, 1e6)};
  }
};

/// Fills head_dim in and checks that the numbers fit together. Throws kInvalidArgument naming the fields.
DecoderConfig resolve(DecoderConfig config);

/// Parameters in all, and those a token multiplies with (embedding lookups not counted).
int64_t count_parameters(const DecoderConfig& config);
int64_t count_matmul_parameters(const DecoderConfig& config);
/// Floating-point operations of one training token (forward and backward) at this context length.
/// Source: Kaplan et al. 2020, arXiv:2001.08361, table 1, with causal attention counted once.
double training_flops_per_token(const DecoderConfig& config, double mean_context);

/// Hugging Face's config.json. Throws kUnimplemented for an architecture this build does not know, naming it.
DecoderConfig config_from_hugging_face(const Json& json, const std::string& where);
Json config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype);

}  // namespace maru
