// GPT-NeoX and Polyglot-Ko: LayerNorm, attention and MLP side by side, queries, keys and values fused head by head.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"rms_norm_eps", "layer_norm_eps"},
                              {"parallel_residual", "use_parallel_residual"},
                              {"attention_bias", "attention_bias"},
                              {"attention_output_bias", "attention_bias"}};
constexpr auto kByHead = WeightLayout::kInterleaved;
constexpr WeightRule kWeights[] = {
    {"model.embed_tokens", "gpt_neox.embed_in"},
    {"model.norm", "gpt_neox.final_layer_norm"},
    {"lm_head", "embed_out"},
    {"model.layers.*.input_layernorm", "gpt_neox.layers.*.input_layernorm"},
    {"model.layers.*.post_attention_layernorm", "gpt_neox.layers.*.post_attention_layernorm"},
    {"model.layers.*.self_attn.q_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.k_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.v_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.o_proj", "gpt_neox.layers.*.attention.dense"},
    {"model.layers.*.mlp.up_proj", "gpt_neox.layers.*.mlp.dense_h_to_4h"},
    {"model.layers.*.mlp.down_proj", "gpt_neox.layers.*.mlp.dense_4h_to_h"}};

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

}  // namespace

extern constinit const Family kGptNeoX{
    .name = "GPTNeoXForCausalLM",
    .model_type = "gpt_neox",
    .families = "GPT-NeoX, Polyglot-Ko",
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "max_position_embeddings": 2048,
                    "rotary_pct": 0.25, "rotary_emb_base": 10000, "use_parallel_residual": true,
                    "attention_bias": true})",
    .fixed = R"({"norm_type": "layer_norm", "mlp_bias": true})",
    .keys = kKeys,
    .read = read_gpt_neox,
    .write = write_gpt_neox,
    .weights = kWeights};

}  // namespace maru::families
