#include "formats/gguf_families.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace maru::formats {

int64_t GgufKeys::integer(const std::string& key) const {
  const auto value = file_.integer(prefix_ + key);
  if (!value) throw Failure(ErrorCode::kDataLoss, file_.name() + ": " + prefix_ + key + " is missing");
  return *value;
}
int64_t GgufKeys::integer(const std::string& key, int64_t otherwise) const {
  return file_.integer(prefix_ + key).value_or(otherwise);
}
double GgufKeys::number(const std::string& key, double otherwise) const {
  return file_.number(prefix_ + key).value_or(otherwise);
}

int64_t required_size(const Json& config, const char* key) {
  const auto value = config_value<int64_t>(config, key, 0);
  if (value < 1)
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("config.json: {} is missing or not positive", key));
  return value;
}

int64_t heads_of(const Json& config) { return required_size(config, "num_attention_heads"); }

int64_t head_dim_of(const Json& config) {
  const auto own = config_value<int64_t>(config, "head_dim", 0);
  return own > 0 ? own : required_size(config, "hidden_size") / heads_of(config);
}

namespace {

constexpr std::string_view kLayers = "model.layers.", kH = "transformer.h.";

constexpr NamePair kOuter[] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}};
constexpr NamePair kBlock[] = {{"input_layernorm", "attn_norm"},
                               {"self_attn.q_proj", "attn_q"},
                               {"self_attn.k_proj", "attn_k"},
                               {"self_attn.v_proj", "attn_v"},
                               {"self_attn.o_proj", "attn_output"},
                               {"self_attn.q_norm", "attn_q_norm"},
                               {"self_attn.k_norm", "attn_k_norm"},
                               {"post_attention_layernorm", "ffn_norm"},
                               {"mlp.gate_proj", "ffn_gate"},
                               {"mlp.up_proj", "ffn_up"},
                               {"mlp.down_proj", "ffn_down"}};
// Norms before and behind: Gemma; EXAONE 4 has those behind alone.
constexpr NamePair kPeriBlock[] = {{"input_layernorm", "attn_norm"},
                                   {"self_attn.q_proj", "attn_q"},
                                   {"self_attn.k_proj", "attn_k"},
                                   {"self_attn.v_proj", "attn_v"},
                                   {"self_attn.o_proj", "attn_output"},
                                   {"self_attn.q_norm", "attn_q_norm"},
                                   {"self_attn.k_norm", "attn_k_norm"},
                                   {"post_attention_layernorm", "post_attention_norm"},
                                   {"pre_feedforward_layernorm", "ffn_norm"},
                                   {"mlp.gate_proj", "ffn_gate"},
                                   {"mlp.up_proj", "ffn_up"},
                                   {"mlp.down_proj", "ffn_down"},
                                   {"post_feedforward_layernorm", "post_ffw_norm"}};
constexpr NamePair kPhi3Block[] = {
    {"input_layernorm", "attn_norm"},         {"self_attn.qkv_proj", "attn_qkv"}, {"self_attn.o_proj", "attn_output"},
    {"post_attention_layernorm", "ffn_norm"}, {"mlp.gate_up_proj", "ffn_up"},     {"mlp.down_proj", "ffn_down"}};
constexpr NamePair kExaoneOuter[] = {
    {"transformer.wte", "token_embd"}, {"transformer.ln_f", "output_norm"}, {"lm_head", "output"}};
constexpr NamePair kExaoneBlock[] = {
    {"ln_1", "attn_norm"},           {"attn.attention.q_proj", "attn_q"}, {"attn.attention.k_proj", "attn_k"},
    {"attn.attention.v_proj", "attn_v"}, {"attn.attention.out_proj", "attn_output"}, {"ln_2", "ffn_norm"},
    {"mlp.c_fc_0", "ffn_gate"},      {"mlp.c_fc_1", "ffn_up"},            {"mlp.c_proj", "ffn_down"}};
constexpr NamePair kGpt2Outer[] = {{"transformer.wte", "token_embd"},
                                   {"transformer.wpe", "position_embd"},
                                   {"transformer.ln_f", "output_norm"},
                                   {"lm_head", "output"}};
constexpr NamePair kGpt2Block[] = {{"ln_1", "attn_norm"},          {"attn.c_attn", "attn_qkv"},
                                   {"attn.c_proj", "attn_output"}, {"ln_2", "ffn_norm"},
                                   {"mlp.c_fc", "ffn_up"},         {"mlp.c_proj", "ffn_down"}};

// --- what the common keys do not say -----------------------------------------------------------------------------

void put_real(const Json& config, const char* key, const char* gguf, GgufKeyWriter& to) {
  if (const auto value = config_value<double>(config, key, 0); value != 0) to.number(gguf, value);
}

void read_granite(const GgufKeys& from, Json& config) {
  config["embedding_multiplier"] = from.number("embedding_scale", 1);
  config["residual_multiplier"] = from.number("residual_scale", 1);
  config["logits_scaling"] = from.number("logit_scale", 1);
  config["attention_multiplier"] =
      from.number("attention.scale", 1 / std::sqrt(config["head_dim"].get<double>()));
}

void write_granite(const Json& config, GgufKeyWriter& to) {
  put_real(config, "attention_multiplier", "attention.scale", to);
  put_real(config, "embedding_multiplier", "embedding_scale", to);
  put_real(config, "residual_multiplier", "residual_scale", to);
  put_real(config, "logits_scaling", "logit_scale", to);
}

// llama.cpp scales scores by the width of a head, but for the largest models, which it knows by their layers.
void read_gemma(const GgufKeys& from, Json& config, int64_t largest, int64_t period) {
  const auto hidden = config["hidden_size"].get<int64_t>(), heads = config["num_attention_heads"].get<int64_t>();
  config["query_pre_attn_scalar"] =
      config["num_hidden_layers"] == largest ? Json(hidden / std::max<int64_t>(1, heads)) : config["head_dim"];
  config["sliding_window"] = from.integer("attention.sliding_window", 4096);
  if (from.has("attention.sliding_window_pattern")) {
    const GgufValue* pattern = from.file().find(std::string(config["gguf"]) + ".attention.sliding_window_pattern");
    period = pattern->as_integer().value_or(period);
  }
  config["sliding_window_pattern"] = period;
  config["hidden_activation"] = "gelu_pytorch_tanh";
}

void read_gemma2(const GgufKeys& from, Json& config) {
  read_gemma(from, config, 46, 2);
  config["attn_logit_softcapping"] = from.number("attn_logit_softcapping", 50);
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 30);
}

void read_gemma3(const GgufKeys& from, Json& config) {
  read_gemma(from, config, 62, 6);
  config["rope_local_base_freq"] = from.number("rope.freq_base_swa", 10000);
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 0);
}

constexpr GgufFamily kFamilies[] = {
    {"LlamaForCausalLM", "llama", "llama", kLayers, kOuter, kBlock, "silu", true},
    {"MistralForCausalLM", "mistral", "llama", kLayers, kOuter, kBlock, "silu", true},
    {"Qwen2ForCausalLM", "qwen2", "qwen2", kLayers, kOuter, kBlock},
    {"Qwen3ForCausalLM", "qwen3", "qwen3", kLayers, kOuter, kBlock},
    {.hugging_face = "GraniteForCausalLM",
     .model_type = "granite",
     .gguf = "granite",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock,
     .neighbours = true,
     .read = read_granite,
     .write = write_granite},
};

}  // namespace

std::span<const GgufFamily> gguf_families() { return kFamilies; }

}  // namespace maru::formats
