// EXAONE 3 and 4: the first with GPT-2's names, the second with norms behind alone and windows in most layers.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kExaoneKeys[] = {
    {"num_hidden_layers", "num_layers"}, {"rms_norm_eps", "layer_norm_epsilon"}, {"hidden_act", "activation_function"}};
constexpr WeightRule kExaoneWeights[] = {{"model.embed_tokens", "transformer.wte"},
                                         {"model.norm", "transformer.ln_f"},
                                         {"model.layers.*.input_layernorm", "transformer.h.*.ln_1"},
                                         {"model.layers.*.post_attention_layernorm", "transformer.h.*.ln_2"},
                                         {"model.layers.*.self_attn.q_proj", "transformer.h.*.attn.attention.q_proj"},
                                         {"model.layers.*.self_attn.k_proj", "transformer.h.*.attn.attention.k_proj"},
                                         {"model.layers.*.self_attn.v_proj", "transformer.h.*.attn.attention.v_proj"},
                                         {"model.layers.*.self_attn.o_proj", "transformer.h.*.attn.attention.out_proj"},
                                         {"model.layers.*.mlp.gate_proj", "transformer.h.*.mlp.c_fc_0"},
                                         {"model.layers.*.mlp.up_proj", "transformer.h.*.mlp.c_fc_1"},
                                         {"model.layers.*.mlp.down_proj", "transformer.h.*.mlp.c_proj"}};
constexpr WeightRule kExaone4Weights[] = {{"model.layers.*.post_norm1", "model.layers.*.post_attention_layernorm"},
                                          {"model.layers.*.post_norm2", "model.layers.*.post_feedforward_layernorm"}};
constexpr NamePair kExaoneOuter[] = {
    {"transformer.wte", "token_embd"}, {"transformer.ln_f", "output_norm"}, {"lm_head", "output"}};
constexpr NamePair kExaoneBlock[] = {{"ln_1", "attn_norm"},
                                     {"attn.attention.q_proj", "attn_q"},
                                     {"attn.attention.k_proj", "attn_k"},
                                     {"attn.attention.v_proj", "attn_v"},
                                     {"attn.attention.out_proj", "attn_output"},
                                     {"ln_2", "ffn_norm"},
                                     {"mlp.c_fc_0", "ffn_gate"},
                                     {"mlp.c_fc_1", "ffn_up"},
                                     {"mlp.c_proj", "ffn_down"}};

void read_exaone4(const HuggingFaceConfig& from, Json& fields) {
  if (!from.has("sliding_window")) return;
  read_layers(from, fields);
  fields["rope_on_full_attention"] = false;
}

constexpr int64_t kHybridExaone4 = 64;  // layers of the one model that llama.cpp gives windows to

void read_gguf(const GgufKeys& from, Json& config) {
  config["sliding_window"] = nullptr;
  if (config["num_hidden_layers"] != kHybridExaone4) return;
  config["sliding_window"] = from.integer("attention.sliding_window", 4096);
  config["sliding_window_pattern"] = "LLLG";
}

void write_gguf(const DecoderConfig& from, GgufKeyWriter& to) {
  if (from.sliding_window == 0) return;
  if (from.num_hidden_layers != kHybridExaone4) cannot_write("sliding_window in a model of other than 64 layers");
  require_period(from, 4);
  to.integer("attention.sliding_window", from.sliding_window);
}

// EXAONE Deep, which is an EXAONE 3.5. Source: its template, which begins the thought itself.
constexpr std::string_view kThoughtSigns[] = {"<thought>"};
constexpr text::ReasoningForm kThoughtTags{
    .name = "thought_tags", .signs = kThoughtSigns, .begin = "<thought>", .end = "</thought>"};

}  // namespace

extern constinit const Family kExaone{
    .name = "ExaoneForCausalLM",
    .model_type = "exaone",
    .families = "EXAONE 3 and 3.5",
    .defaults = R"({"layer_norm_epsilon": 1e-5, "max_position_embeddings": 2048, "tie_word_embeddings": true})",
    .keys = kExaoneKeys,
    .weights = kExaoneWeights,
    .gguf = {.name = "exaone", .layers = "transformer.h.", .outer = kExaoneOuter, .block = kExaoneBlock},
    .reasoning = &kThoughtTags};

extern constinit const Family kExaone4{
    .name = "Exaone4ForCausalLM",
    .model_type = "exaone4",
    .scorer = "Exaone4ForSequenceClassification",
    .families = "EXAONE 4.0",
    .defaults = R"({"max_position_embeddings": 2048, "num_key_value_heads": 32, "sliding_window": 4096,
                    "sliding_window_pattern": 4})",
    .fixed = R"({"qk_norm": true, "use_pre_norm": false, "use_post_norm": true})",
    .read = read_exaone4,
    .write = write_layers,
    .weights = kExaone4Weights,
    .gguf = {.name = "exaone4", .block = kPeriBlock, .windows = true, .read = read_gguf, .write = write_gguf},
    .calls = &kHermesCalls,
    .reasoning = &kThinkTags};

}  // namespace maru::families
