// GPT-2 and KoGPT2: LayerNorm, learned positions, matrices that are stored as [in, out].
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"hidden_size", "n_embd"},
                              {"intermediate_size", "n_inner"},
                              {"num_hidden_layers", "n_layer"},
                              {"num_attention_heads", "n_head"},
                              {"max_position_embeddings", "n_positions"},
                              {"rms_norm_eps", "layer_norm_epsilon"},
                              {"hidden_act", "activation_function"}};
constexpr auto kConv1D = WeightLayout::kTransposed;
constexpr WeightRule kWeights[] = {{"model.embed_tokens", "transformer.wte"},
                                   {"model.embed_positions", "transformer.wpe"},
                                   {"model.norm", "transformer.ln_f"},
                                   {"model.layers.*.input_layernorm", "transformer.h.*.ln_1"},
                                   {"model.layers.*.post_attention_layernorm", "transformer.h.*.ln_2"},
                                   {"model.layers.*.self_attn.q_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                   {"model.layers.*.self_attn.k_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                   {"model.layers.*.self_attn.v_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                   {"model.layers.*.self_attn.o_proj", "transformer.h.*.attn.c_proj", kConv1D},
                                   {"model.layers.*.mlp.up_proj", "transformer.h.*.mlp.c_fc", kConv1D},
                                   {"model.layers.*.mlp.down_proj", "transformer.h.*.mlp.c_proj", kConv1D}};
constexpr NamePair kOuter[] = {{"transformer.wte", "token_embd"},
                               {"transformer.wpe", "position_embd"},
                               {"transformer.ln_f", "output_norm"},
                               {"lm_head", "output"}};
constexpr NamePair kBlock[] = {{"ln_1", "attn_norm"}, {"attn.c_attn", "attn_qkv"}, {"attn.c_proj", "attn_output"},
                               {"ln_2", "ffn_norm"},  {"mlp.c_fc", "ffn_up"},      {"mlp.c_proj", "ffn_down"}};

void read_gpt2(const HuggingFaceConfig& from, Json& fields) {
  if (!from.has("n_inner")) fields["intermediate_size"] = 4 * from.get<int64_t>("n_embd", 0);
}

void write_gpt2(const DecoderConfig& from, Json& config) {
  forget_heads(config);
  for (const char* key : {"rope_theta", "rope_scaling", "partial_rotary_factor"}) config.erase(key);
  config["n_ctx"] = from.max_position_embeddings;
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) config[key] = 0.0;
}

void read_gguf(const GgufKeys&, Json& config) {
  for (const char* key : {"num_key_value_heads", "head_dim", "attention_bias", "rope_theta"}) config.erase(key);
}

}  // namespace

extern constinit const Family kGpt2{
    .name = "GPT2LMHeadModel",
    .model_type = "gpt2",
    .scorer = "GPT2ForSequenceClassification",
    .families = "GPT-2, KoGPT2",
    .defaults = R"({"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "n_positions": 1024,
                    "tie_word_embeddings": true})",
    .fixed = R"({"norm_type": "layer_norm", "learned_positions": true, "attention_bias": true,
                 "attention_output_bias": true, "mlp_bias": true})",
    .required = R"({"scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false,
                    "add_cross_attention": false})",
    .keys = kKeys,
    .read = read_gpt2,
    .write = write_gpt2,
    .weights = kWeights,
    .gguf = {.name = "gpt2",
             .layers = "transformer.h.",
             .outer = kOuter,
             .block = kBlock,
             .activation = "gelu_pytorch_tanh",
             .rms_norm = false,
             .rotary = false,
             .read = read_gguf}};

}  // namespace maru::families
