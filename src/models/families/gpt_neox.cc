// GPT-NeoX and Polyglot-Ko: LayerNorm, attention and MLP side by side, queries, keys and values fused head by head.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"rms_norm_eps", "layer_norm_eps"},   {"parallel_residual", "use_parallel_residual"},
                              {"rope_theta", "rotary_emb_base"},    {"partial_rotary_factor", "rotary_pct"},
                              {"attention_bias", "attention_bias"}, {"attention_output_bias", "attention_bias"}};
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

constexpr NamePair kOuter[] = {
    {"gpt_neox.embed_in", "token_embd"}, {"gpt_neox.final_layer_norm", "output_norm"}, {"embed_out", "output"}};
constexpr NamePair kBlock[] = {{"input_layernorm", "attn_norm"},   {"attention.query_key_value", "attn_qkv"},
                               {"attention.dense", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
                               {"mlp.dense_h_to_4h", "ffn_up"},    {"mlp.dense_4h_to_h", "ffn_down"}};

void write_gpt_neox(const DecoderConfig&, Json& config) {
  forget_heads(config);
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) config.erase(key);
  config["hidden_dropout"] = 0.0;
}

void read_gguf(const GgufKeys& from, Json& config) {
  config["use_parallel_residual"] = from.flag("use_parallel_residual", true);
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1.0;
}

// llama.cpp wants all biases and a head; its GELU is the approximation by tanh, whatever the model learned with.
void write_gguf(const DecoderConfig& from, GgufKeyWriter& to) {
  if (!from.attention_bias) cannot_write("attention_bias false");
  if (from.tie_word_embeddings) cannot_write("tie_word_embeddings");
  to.flag("use_parallel_residual", from.parallel_residual);
}

}  // namespace

extern constinit const Family kGptNeoX{
    .name = "GPTNeoXForCausalLM",
    .model_type = "gpt_neox",
    .scorer = "GPTNeoXForSequenceClassification",
    .families = "GPT-NeoX, Polyglot-Ko",
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "max_position_embeddings": 2048,
                    "rotary_pct": 0.25, "rotary_emb_base": 10000, "use_parallel_residual": true,
                    "attention_bias": true})",
    .fixed = R"({"norm_type": "layer_norm", "mlp_bias": true})",
    .keys = kKeys,
    .write = write_gpt_neox,
    .weights = kWeights,
    .gguf = {.name = "gptneox",
             .layers = "gpt_neox.layers.",
             .outer = kOuter,
             .block = kBlock,
             .activation = "gelu",
             .rms_norm = false,
             .read = read_gguf,
             .write = write_gguf}};

}  // namespace maru::families
