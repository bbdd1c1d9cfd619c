// Families with LayerNorm blocks: GPT-2 and GPT-NeoX; and the mixtures of experts.
#include <algorithm>

#include "models/families.h"

namespace maru::families {
namespace {

/// Heads of the hidden size's width, each with its own keys: what these files cannot say otherwise.
void forget_heads(Json& config) {
  config.erase("head_dim");
  config.erase("num_key_value_heads");
}

}  // namespace

void read_gpt2(const HuggingFaceConfig& from, Json& fields) {
  if (!from.has("n_inner")) fields["intermediate_size"] = 4 * from.get<int64_t>("n_embd", 0);
}

void write_gpt2(const DecoderConfig& from, Json& config) {
  forget_heads(config);
  for (const char* key : {"rope_theta", "rope_scaling", "partial_rotary_factor"}) config.erase(key);
  config["n_ctx"] = from.max_position_embeddings;
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) config[key] = 0.0;
}

void read_gpt_neox(const HuggingFaceConfig& from, Json& fields) {
  if (!fields.contains("partial_rotary_factor")) fields["partial_rotary_factor"] = from.at("rotary_pct");
  if (!fields.contains("rope_theta")) fields["rope_theta"] = from.at("rotary_emb_base");
}

void write_gpt_neox(const DecoderConfig& from, Json& config) {
  forget_heads(config);
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) config.erase(key);
  config["rotary_pct"] = from.partial_rotary_factor;
  config["rotary_emb_base"] = from.rope_theta;
  config["hidden_dropout"] = 0.0;
}

void read_mixtral(const HuggingFaceConfig& from, Json& fields) {
  read_window(from, fields);
  fields["moe_intermediate_size"] = from.at("intermediate_size");
}

void write_mixtral(const DecoderConfig& from, Json& config) {
  write_window(from, config);
  config["intermediate_size"] = from.moe_intermediate_size;
}

void read_qwen3_moe(const HuggingFaceConfig& from, Json& fields) {
  if (from.get<bool>("use_sliding_window", false)) from.refuse("use_sliding_window is not supported");
  if (from.has("num_local_experts")) fields["num_experts"] = from.at("num_local_experts");  // in transformers 5
  auto dense = from.get<std::vector<int64_t>>("mlp_only_layers", {});
  const int64_t step = from.get<int64_t>("decoder_sparse_step", 1);
  for (int64_t i = 0; i < num_layers(from); ++i)
    if (step <= 0 || (i + 1) % step != 0) dense.push_back(i);
  std::sort(dense.begin(), dense.end());
  dense.erase(std::unique(dense.begin(), dense.end()), dense.end());
  fields["dense_layers"] = dense;
}

void write_qwen3_moe(const DecoderConfig& from, Json& config) {
  config["mlp_only_layers"] = from.dense_layers;
  config["decoder_sparse_step"] = 1;
  config["use_sliding_window"] = false;
  config["sliding_window"] = nullptr;
}

}  // namespace maru::families
