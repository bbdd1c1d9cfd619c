// Gemma 2 and 3: norms before and behind whose weights are stored minus 1, and windows in most layers.
#include <fmt/format.h>

#include <cmath>

#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"hidden_act", "hidden_activation"},
                              {"attention_bias", "attention_bias"},
                              {"attention_output_bias", "attention_bias"}};
constexpr WeightRule kWeights[] = {
    {"model.layers.*.post_norm1", "model.layers.*.post_attention_layernorm"},
    {"model.layers.*.post_attention_layernorm", "model.layers.*.pre_feedforward_layernorm"},
    {"model.layers.*.post_norm2", "model.layers.*.post_feedforward_layernorm"}};

Json or_null(double value) { return value != 0 ? Json(value) : Json(); }

void read_gemma(const HuggingFaceConfig& from, Json& fields) {
  read_layers(from, fields);
  fields["embedding_multiplier"] = std::sqrt(from.get<double>("hidden_size", 0));
  fields["attention_multiplier"] = 1 / std::sqrt(from.get<double>("query_pre_attn_scalar", 256));
  fields["final_logit_softcapping"] = from.get<double>("final_logit_softcapping", 0);
}

void write_gemma(const DecoderConfig& from, Json& config) {
  write_layers(from, config);
  const double scalar = 1 / (from.attention_scale() * from.attention_scale()), whole = std::round(scalar);
  config["query_pre_attn_scalar"] =
      std::abs(scalar - whole) < 1e-9 * whole ? Json(static_cast<int64_t>(whole)) : Json(scalar);
  config["final_logit_softcapping"] = or_null(from.final_logit_softcapping);
}

void read_gemma2(const HuggingFaceConfig& from, Json& fields) {
  read_gemma(from, fields);
  fields["attn_logit_softcapping"] = from.get<double>("attn_logit_softcapping", 0);
}

void write_gemma2(const DecoderConfig& from, Json& config) {
  write_gemma(from, config);
  config["attn_logit_softcapping"] = or_null(from.attn_logit_softcapping);
}

void read_gemma3(const HuggingFaceConfig& from, Json& fields) {
  read_gemma(from, fields);
  fields["rope_local_base_freq"] = from.at("rope_local_base_freq");
  const JsonNode local = from["rope_parameters"]["sliding_attention"];
  if (!local.is_object()) return;
  if (local["rope_type"].string("default") != "default")
    from.refuse("rope_parameters.sliding_attention: expected rope_type default, got " +
                local["rope_type"].json().dump());
  if (const JsonNode theta = local["rope_theta"]; !theta.is_missing()) fields["rope_local_base_freq"] = theta.json();
}

void write_gemma3(const DecoderConfig& from, Json& config) {
  write_gemma(from, config);
  config["rope_local_base_freq"] = from.rope_local_base_freq;
}

// --- GGUF ---

/// What llama.cpp divides scores by the root of: a head's width; for the largest model of the family, which it knows by
/// its layers, hidden_size / heads.
int64_t gguf_scalar(int64_t layers, int64_t largest, int64_t head_dim, int64_t width) {
  return layers == largest ? width : head_dim;
}

void read_gguf(const GgufKeys& from, Json& config, int64_t largest, int64_t period) {
  if (from.has("attention.sliding_window_pattern"))
    throw Failure(ErrorCode::kUnimplemented, from.file().name() + ": attention.sliding_window_pattern cannot be read");
  const auto value = [&](const char* key) { return config[key].get<int64_t>(); };
  config["query_pre_attn_scalar"] = gguf_scalar(value("num_hidden_layers"), largest, value("head_dim"),
                                                value("hidden_size") / value("num_attention_heads"));
  config["sliding_window"] = from.integer("attention.sliding_window", 4096);
  config["sliding_window_pattern"] = period;
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 0);
}

void write_gguf(const DecoderConfig& from, GgufKeyWriter& to, int64_t largest, int64_t period) {
  require_period(from, period);
  const int64_t scalar =
      gguf_scalar(from.num_hidden_layers, largest, from.head_dim, from.hidden_size / from.num_attention_heads);
  const double scale = from.attention_scale();
  if (scale != 1 / std::sqrt(static_cast<double>(scalar)))
    cannot_write(fmt::format("query_pre_attn_scalar {:.6g}", 1 / (scale * scale)));
  to.integer("attention.sliding_window", from.sliding_window);
  if (from.final_logit_softcapping != 0) to.number("final_logit_softcapping", from.final_logit_softcapping);
}

constexpr int64_t kLargestGemma2 = 46, kLargestGemma3 = 62;

void read_gguf2(const GgufKeys& from, Json& config) {
  read_gguf(from, config, kLargestGemma2, 2);
  config["attn_logit_softcapping"] = from.number("attn_logit_softcapping", 50);
  config["final_logit_softcapping"] = from.number("final_logit_softcapping", 30);
}

void write_gguf2(const DecoderConfig& from, GgufKeyWriter& to) {
  write_gguf(from, to, kLargestGemma2, 2);
  if (from.attn_logit_softcapping == 0) cannot_write("attn_logit_softcapping of 0");
  if (from.final_logit_softcapping == 0) cannot_write("final_logit_softcapping of 0");
  to.number("attn_logit_softcapping", from.attn_logit_softcapping);
}

void read_gguf3(const GgufKeys& from, Json& config) {
  read_gguf(from, config, kLargestGemma3, 6);
  config["rope_local_base_freq"] = from.number("rope.freq_base_swa", 10000);
}

void write_gguf3(const DecoderConfig& from, GgufKeyWriter& to) {
  write_gguf(from, to, kLargestGemma3, 6);
  to.number("rope.freq_base_swa", from.rope_local_base_freq);
}

}  // namespace

extern constinit const Family kGemma2{.name = "Gemma2ForCausalLM",
                                      .model_type = "gemma2",
                                      .scorer = "Gemma2ForSequenceClassification",
                                      .families = "Gemma 2",
                                      .defaults = R"({"hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
        "max_position_embeddings": 8192, "num_key_value_heads": 4, "head_dim": 256, "tie_word_embeddings": true,
        "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 2,
        "final_logit_softcapping": 30, "attn_logit_softcapping": 50})",
                                      .fixed = R"({"use_post_norm": true, "norm_weight_offset": 1})",
                                      .required = R"({"use_bidirectional_attention": false})",
                                      .keys = kKeys,
                                      .read = read_gemma2,
                                      .write = write_gemma2,
                                      .weights = kWeights,
                                      .gguf = {.name = "gemma2",
                                               .block = kPeriBlock,
                                               .activation = "gelu_pytorch_tanh",
                                               .windows = true,
                                               .norm_offset = 1,
                                               .read = read_gguf2,
                                               .write = write_gguf2}};

extern constinit const Family kGemma3{
    .name = "Gemma3ForCausalLM",
    .model_type = "gemma3_text",
    .scorer = "Gemma3TextForSequenceClassification",
    .families = "Gemma 3 (text)",
    .defaults = R"({"hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
        "max_position_embeddings": 131072, "num_key_value_heads": 4, "head_dim": 256, "tie_word_embeddings": true,
        "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 6, "rope_theta": 1e6,
        "rope_local_base_freq": 1e4})",
    .fixed = R"({"use_post_norm": true, "norm_weight_offset": 1, "qk_norm": true})",
    .required = R"({"use_bidirectional_attention": false, "attn_logit_softcapping": null})",
    .keys = kKeys,
    .read = read_gemma3,
    .write = write_gemma3,
    .weights = kWeights,
    .gguf = {.name = "gemma3",
             .block = kPeriBlock,
             .activation = "gelu_pytorch_tanh",
             .windows = true,
             .local_base = true,
             .norm_offset = 1,
             .read = read_gguf3,
             .write = write_gguf3}};

}  // namespace maru::families
