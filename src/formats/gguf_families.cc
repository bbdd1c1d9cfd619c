#include "formats/gguf_families.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "formats/block_quant.h"

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
constexpr NamePair kBlock[] = {{"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
                               {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
                               {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
                               {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
                               {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
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
constexpr NamePair kPhi3Block[] = {{"input_layernorm", "attn_norm"},    {"self_attn.qkv_proj", "attn_qkv"},
                                   {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
                                   {"mlp.gate_up_proj", "ffn_up"},      {"mlp.down_proj", "ffn_down"}};
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
constexpr NamePair kGpt2Outer[] = {{"transformer.wte", "token_embd"},
                                   {"transformer.wpe", "position_embd"},
                                   {"transformer.ln_f", "output_norm"},
                                   {"lm_head", "output"}};
constexpr NamePair kGpt2Block[] = {{"ln_1", "attn_norm"}, {"attn.c_attn", "attn_qkv"}, {"attn.c_proj", "attn_output"},
                                   {"ln_2", "ffn_norm"},  {"mlp.c_fc", "ffn_up"},      {"mlp.c_proj", "ffn_down"}};

constexpr NamePair kExaoneKeys[] = {{"num_hidden_layers", "num_layers"}, {"rms_norm_eps", "layer_norm_epsilon"}};
constexpr NamePair kGpt2Keys[] = {{"hidden_size", "n_embd"},
                                  {"intermediate_size", "n_inner"},
                                  {"num_hidden_layers", "n_layer"},
                                  {"num_attention_heads", "n_head"},
                                  {"max_position_embeddings", "n_positions"},
                                  {"rms_norm_eps", "layer_norm_epsilon"}};

// --- what the common keys do not say -----------------------------------------------------------------------------

[[noreturn]] void cannot_write(const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, "config.json: " + what + " cannot be exported to GGUF");
}

void put_real(const Json& config, const char* key, const char* gguf, GgufKeyWriter& to) {
  if (const auto value = config_value<double>(config, key, 0); value != 0) to.number(gguf, value);
}

void read_granite(const GgufKeys& from, Json& config) {
  config["embedding_multiplier"] = from.number("embedding_scale", 1);
  config["residual_multiplier"] = from.number("residual_scale", 1);
  config["logits_scaling"] = from.number("logit_scale", 1);
  config["attention_multiplier"] = from.number("attention.scale", 1 / std::sqrt(config["head_dim"].get<double>()));
}

void write_granite(const Json& config, GgufKeyWriter& to) {
  put_real(config, "attention_multiplier", "attention.scale", to);
  put_real(config, "embedding_multiplier", "embedding_scale", to);
  put_real(config, "residual_multiplier", "residual_scale", to);
  put_real(config, "logits_scaling", "logit_scale", to);
}

/// llama.cpp divides scores by the root of a head's width; for the largest model of the family, which it knows by its
/// layers, by that of hidden_size / heads.
int64_t gemma_scalar(const Json& config, int64_t largest) {
  if (config_value<int64_t>(config, "num_hidden_layers", 0) != largest) return head_dim_of(config);
  return required_size(config, "hidden_size") / heads_of(config);
}

void read_gemma(const GgufKeys& from, Json& config, int64_t largest, int64_t period) {
  if (from.has("attention.sliding_window_pattern"))
    throw Failure(ErrorCode::kUnimplemented, from.file().name() + ": attention.sliding_window_pattern cannot be read");
  config["query_pre_attn_scalar"] = gemma_scalar(config, largest);
  config["sliding_window"] = from.integer("attention.sliding_window", 4096);
  config["sliding_window_pattern"] = period;
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 0);
}

// llama.cpp knows which layers have a window by the family alone.
void require_period(const Json& config, int64_t period) {
  const auto types = config_value<std::vector<std::string>>(config, "layer_types", {});
  for (size_t i = 0; i < types.size(); ++i)
    if ((types[i] == "full_attention") != ((static_cast<int64_t>(i) + 1) % period == 0))
      cannot_write("layer_types other than every " + std::to_string(period) + "th full");
}

void write_gemma(const Json& config, GgufKeyWriter& to, int64_t largest, int64_t period) {
  require_period(config, period);
  const auto scalar = config_value<double>(config, "query_pre_attn_scalar", 256);
  if (scalar != static_cast<double>(gemma_scalar(config, largest)))
    cannot_write(fmt::format("query_pre_attn_scalar {}", scalar));
  to.integer("attention.sliding_window", config_value<int64_t>(config, "sliding_window", 4096));
  put_real(config, "final_logit_softcapping", "final_logit_softcapping", to);
}

constexpr int64_t kLargestGemma2 = 46, kLargestGemma3 = 62;

void read_gemma2(const GgufKeys& from, Json& config) {
  read_gemma(from, config, kLargestGemma2, 2);
  config["attn_logit_softcapping"] = from.number("attn_logit_softcapping", 50);
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 30);
}

void write_gemma2(const Json& config, GgufKeyWriter& to) {
  write_gemma(config, to, kLargestGemma2, 2);
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"})
    if (config_value<double>(config, key, 0) == 0) cannot_write(std::string(key) + " of 0");
  put_real(config, "attn_logit_softcapping", "attn_logit_softcapping", to);
}

void read_gemma3(const GgufKeys& from, Json& config) {
  read_gemma(from, config, kLargestGemma3, 6);
  config["rope_local_base_freq"] = from.number("rope.freq_base_swa", 10000);
}

// The base of the layers with a window: transformers 5 has it among rope_parameters.
double local_base(const Json& config) {
  const Json all = config.value("rope_parameters", Json::object());
  const Json local = all.is_object() ? all.value("sliding_attention", Json::object()) : Json::object();
  return config_value<double>(local, "rope_theta", config_value<double>(config, "rope_local_base_freq", 10000));
}

void write_gemma3(const Json& config, GgufKeyWriter& to) {
  write_gemma(config, to, kLargestGemma3, 6);
  to.number("rope.freq_base_swa", local_base(config));
}

constexpr int64_t kHybridExaone4 = 64;  // layers of the one model that llama.cpp gives windows to

void read_exaone4(const GgufKeys& from, Json& config) {
  config["sliding_window"] = nullptr;
  if (config["num_hidden_layers"] != kHybridExaone4) return;
  config["sliding_window"] = from.integer("attention.sliding_window", 4096);
  config["sliding_window_pattern"] = "LLLG";
}

void write_exaone4(const Json& config, GgufKeyWriter& to) {
  const auto window = config_value<int64_t>(config, "sliding_window", 0);
  if (window > 0 && required_size(config, "num_hidden_layers") != kHybridExaone4)
    cannot_write("sliding_window in a model of other than 64 layers");
  if (window == 0) return;
  require_period(config, 4);
  to.integer("attention.sliding_window", window);
}

void read_phi3(const GgufKeys& from, Json& config) {
  const int64_t context = config["max_position_embeddings"].get<int64_t>();
  config["original_max_position_embeddings"] = from.integer("rope.scaling.original_context_length", context);
  if (const int64_t window = from.integer("attention.sliding_window", 0); window > 0) config["sliding_window"] = window;
}

void write_phi3(const Json& config, GgufKeyWriter& to) {
  const auto context = required_size(config, "max_position_embeddings");
  if (const auto window = config_value<int64_t>(config, "sliding_window", 0); window > 0 && window < context)
    cannot_write(fmt::format("sliding_window {}", window));
  to.integer("rope.scaling.original_context_length",
             config_value<int64_t>(config, "original_max_position_embeddings", context));
}

void read_gpt2(const GgufKeys&, Json& config) {
  for (const char* key : {"num_key_value_heads", "head_dim", "hidden_act", "attention_bias", "rope_theta"})
    config.erase(key);
}

constexpr GgufFamily kFamilies[] = {
    {.hugging_face = "LlamaForCausalLM",
     .model_type = "llama",
     .gguf = "llama",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock,
     .neighbours = true},
    {.hugging_face = "MistralForCausalLM",
     .model_type = "mistral",
     .gguf = "llama",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock,
     .neighbours = true},
    {.hugging_face = "Qwen2ForCausalLM",
     .model_type = "qwen2",
     .gguf = "qwen2",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock},
    {.hugging_face = "Qwen3ForCausalLM",
     .model_type = "qwen3",
     .gguf = "qwen3",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock},
    {.hugging_face = "Gemma2ForCausalLM",
     .model_type = "gemma2",
     .gguf = "gemma2",
     .layers = kLayers,
     .outer = kOuter,
     .block = kPeriBlock,
     .activation = "gelu_pytorch_tanh",
     .activation_key = "hidden_activation",
     .norm_offset = 1,
     .read = read_gemma2,
     .write = write_gemma2},
    {.hugging_face = "Gemma3ForCausalLM",
     .model_type = "gemma3_text",
     .gguf = "gemma3",
     .layers = kLayers,
     .outer = kOuter,
     .block = kPeriBlock,
     .activation = "gelu_pytorch_tanh",
     .activation_key = "hidden_activation",
     .local_base = true,
     .norm_offset = 1,
     .read = read_gemma3,
     .write = write_gemma3},
    {.hugging_face = "Phi3ForCausalLM",
     .model_type = "phi3",
     .gguf = "phi3",
     .layers = kLayers,
     .outer = kOuter,
     .block = kPhi3Block,
     .read = read_phi3,
     .write = write_phi3},
    {.hugging_face = "ExaoneForCausalLM",
     .model_type = "exaone",
     .gguf = "exaone",
     .layers = kH,
     .outer = kExaoneOuter,
     .block = kExaoneBlock,
     .keys = kExaoneKeys,
     .activation_key = "activation_function"},
    {.hugging_face = "Exaone4ForCausalLM",
     .model_type = "exaone4",
     .gguf = "exaone4",
     .layers = kLayers,
     .outer = kOuter,
     .block = kPeriBlock,
     .read = read_exaone4,
     .write = write_exaone4},
    {.hugging_face = "GraniteForCausalLM",
     .model_type = "granite",
     .gguf = "granite",
     .layers = kLayers,
     .outer = kOuter,
     .block = kBlock,
     .neighbours = true,
     .read = read_granite,
     .write = write_granite},
    {.hugging_face = "GPT2LMHeadModel",
     .model_type = "gpt2",
     .gguf = "gpt2",
     .layers = kH,
     .outer = kGpt2Outer,
     .block = kGpt2Block,
     .keys = kGpt2Keys,
     .activation = "gelu_new",
     .activation_key = "activation_function",
     .transposed = true,
     .rms_norm = false,
     .default_width = 4,
     .read = read_gpt2},
};

}  // namespace

std::vector<double> rope_factors_in(const GgufTensor& tensor, const std::string& where) {
  constexpr int64_t kMost = 1 << 16;
  if (tensor.type != GgmlType::kF32 || tensor.shape.size() != 1 || tensor.elements() > kMost)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: expected one axis of at most {} F32 numbers, got {} elements of {}", where, kMost,
                              tensor.elements(), tensor.layout().name));
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  dequantize(tensor.type, tensor.bytes, values);
  return {values.begin(), values.end()};
}

std::span<const GgufFamily> gguf_families() { return kFamilies; }

}  // namespace maru::formats
