// The configuration of a decoder. Field names are Hugging Face's; architectures are values of this struct.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "models/rope_scaling.h"

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

  std::string architecture;  // Hugging Face's class; empty: the first of the registry with all of these features
  std::string hidden_act = "silu";
  bool attention_bias = false, attention_output_bias = false, mlp_bias = false;
  bool use_pre_norm = true;              // norms before attention and MLP
  double norm_weight_offset = 0;         // added to RMS norm weights (Gemma: 1)
  int64_t sliding_window = 0;            // keys a token sees in "sliding_attention" layers, itself included; 0: all
  std::vector<std::string> layer_types;  // of each block; empty: "sliding_attention" if there is a window
  double attn_logit_softcapping = 0, final_logit_softcapping = 0;
  double partial_rotary_factor = 1;
  double rope_local_base_freq = 0;  // rope_theta of sliding layers, whose frequencies are not scaled; 0: as the others
  bool rope_on_full_attention = true;  // false: layers without a window know no positions (EXAONE 4)
  bool rope_interleaved = false;
  RopeScaling rope_scaling;

  std::string norm_type = "rms_norm";  // layer_norm: the blocks of GPT-2 and GPT-NeoX (classic_block.h)
  bool parallel_residual = false, learned_positions = false;

  int64_t num_experts = 0, num_experts_per_tok = 0, moe_intermediate_size = 0, n_shared_experts = 0;  // 0: no mixture
  std::string router_scoring = "softmax";
  bool norm_topk_prob = true;
  double routed_scaling_factor = 1;
  int64_t n_group = 1, topk_group = 1;
  std::vector<int64_t> dense_layers;  // those without experts

  /// attention_multiplier, or 1/sqrt(head_dim) when that is 0.
  double attention_scale() const;
  bool is_sliding(int64_t layer) const;
  bool has_experts(int64_t layer) const;
  int64_t rotary_dim() const;

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
        field("logits_multiplier", &C::logits_multiplier, "muP: scales the logits").range(-1e6, 1e6),
        field("architecture", &C::architecture, "Hugging Face's class; empty: the first with these features"),
        field("hidden_act", &C::hidden_act, "activation of the MLP's gate").one_of("silu|gelu|gelu_pytorch_tanh|relu"),
        field("attention_bias", &C::attention_bias, "biases of the query, key and value projections"),
        field("attention_output_bias", &C::attention_output_bias, "bias of attention's output projection"),
        field("mlp_bias", &C::mlp_bias, "biases in the MLP"),
        field("use_pre_norm", &C::use_pre_norm, "norms before attention and MLP"),
        field("norm_weight_offset", &C::norm_weight_offset, "added to RMS norm weights (Gemma: 1)").range(-10, 10),
        field("sliding_window", &C::sliding_window, "keys a token sees in sliding layers, itself included; 0: all")
            .range(0, 1 << 24),
        field("layer_types", &C::layer_types, "of each block; empty: all sliding if there is a window")
            .one_of("full_attention|sliding_attention"),
        field("attn_logit_softcapping", &C::attn_logit_softcapping, "scores become cap · tanh(score / cap); 0: off")
            .range(0, 1e6),
        field("final_logit_softcapping", &C::final_logit_softcapping, "logits become cap · tanh(logit / cap); 0: off")
            .range(0, 1e6),
        field("partial_rotary_factor", &C::partial_rotary_factor, "part of each head that is rotated").range(0, 1),
        field("rope_local_base_freq", &C::rope_local_base_freq, "rope_theta of sliding layers, unscaled; 0: the same")
            .range(0, 1e12),
        field("rope_on_full_attention", &C::rope_on_full_attention, "false: layers without a window are not rotated"),
        field("rope_interleaved", &C::rope_interleaved, "rotated pairs are neighbours, not half a head apart"),
        field("rope_scaling", &C::rope_scaling, ""),
        field("norm_type", &C::norm_type, "layer_norm: blocks as in GPT-2, with an MLP that is not gated")
            .one_of("rms_norm|layer_norm"),
        field("parallel_residual", &C::parallel_residual, "layer_norm: attention and MLP read the same input"),
        field("learned_positions", &C::learned_positions, "layer_norm: a table of positions, no rotation"),
        field("num_experts", &C::num_experts, "experts of a mixture; 0: none").range(0, 4096),
        field("num_experts_per_tok", &C::num_experts_per_tok, "experts that a token is sent to").range(0, 4096),
        field("moe_intermediate_size", &C::moe_intermediate_size, "width inside an expert").range(0, 1 << 20),
        field("n_shared_experts", &C::n_shared_experts, "experts that every token is sent to, as one MLP")
            .range(0, 4096),
        field("router_scoring", &C::router_scoring, "how experts are scored").one_of("softmax|sigmoid"),
        field("norm_topk_prob", &C::norm_topk_prob, "the weights of a token's experts sum to 1"),
        field("routed_scaling_factor", &C::routed_scaling_factor, "of what the experts give").range(-1e6, 1e6),
        field("n_group", &C::n_group, "groups of experts (sigmoid)").range(1, 4096),
        field("topk_group", &C::topk_group, "groups that a token may use").range(1, 4096),
        field("dense_layers", &C::dense_layers, "layers with an MLP instead of experts").range(0, 1023)};
  }
};

/// Fills head_dim in, gives every meaning one form (layer_types, attention_multiplier) and checks that the numbers fit
/// together. Throws kInvalidArgument naming the fields.
DecoderConfig resolve(DecoderConfig config);

/// Parameters in all, and those a token multiplies with (embedding lookups not counted).
int64_t count_parameters(const DecoderConfig& config);
int64_t count_matmul_parameters(const DecoderConfig& config);
/// Floating-point operations of one training token (forward and backward) at this context length.
/// Source: Kaplan et al. 2020, arXiv:2001.08361, table 1, with causal attention counted once.
double training_flops_per_token(const DecoderConfig& config, double mean_context);

/// The first class that a config.json names, or "".
std::string architecture_in(const Json& config);
/// Hugging Face's config.json; see registry.h. Throws kUnimplemented for an architecture this build does not know,
/// or a feature of it, naming it.
DecoderConfig config_from_hugging_face(const Json& json, const std::string& where);
/// Throws kUnimplemented when no architecture of the registry has these features together.
Json config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype);

}  // namespace maru
