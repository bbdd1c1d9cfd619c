// Qwen 2 and 3, and Qwen 3 with experts.
#include <algorithm>

#include "models/families/common.h"

namespace maru::families {
namespace {

void read_qwen(const HuggingFaceConfig& from, Json& fields) {
  if (!from.get<bool>("use_sliding_window", false)) return;
  auto types = from.get<std::vector<std::string>>("layer_types", {});
  const int64_t full = from.get<int64_t>("max_window_layers", 0);
  for (int64_t i = 0; !from.has("layer_types") && i < num_layers(from); ++i)
    types.emplace_back(i < full ? "full_attention" : "sliding_attention");
  fields["sliding_window"] = from.get<int64_t>("sliding_window", 0);
  fields["layer_types"] = types;
}

void write_qwen(const DecoderConfig& from, Json& config) {
  const std::vector<std::string> types = full_layer_types(from);
  config["use_sliding_window"] = from.sliding_window > 0;
  config["sliding_window"] = from.sliding_window > 0 ? Json(from.sliding_window) : Json();
  config["max_window_layers"] = std::find(types.begin(), types.end(), "sliding_attention") - types.begin();
  config["layer_types"] = types;
}

constexpr FieldKey kMoeKeys[] = {{"attention_bias", "attention_bias"},
                                 {"attention_output_bias", "attention_bias"},
                                 {"num_experts", "num_experts"},
                                 {"num_experts_per_tok", "num_experts_per_tok"},
                                 {"moe_intermediate_size", "moe_intermediate_size"},
                                 {"norm_topk_prob", "norm_topk_prob"}};

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

constexpr NamePair kMoeBlock[] = {{"input_layernorm", "attn_norm"},
                                  {"self_attn.q_proj", "attn_q"},
                                  {"self_attn.k_proj", "attn_k"},
                                  {"self_attn.v_proj", "attn_v"},
                                  {"self_attn.o_proj", "attn_output"},
                                  {"self_attn.q_norm", "attn_q_norm"},
                                  {"self_attn.k_norm", "attn_k_norm"},
                                  {"post_attention_layernorm", "ffn_norm"},
                                  {"mlp.gate", "ffn_gate_inp"},
                                  {"mlp.experts.*.gate_proj", "ffn_gate_exps"},
                                  {"mlp.experts.*.up_proj", "ffn_up_exps"},
                                  {"mlp.experts.*.down_proj", "ffn_down_exps"}};

void read_moe_gguf(const GgufKeys&, Json& config) { config["norm_topk_prob"] = true; }

// llama.cpp has experts in every layer, whose weights sum to 1.
void write_moe_gguf(const DecoderConfig& from, GgufKeyWriter&) {
  if (!from.dense_layers.empty()) cannot_write("mlp_only_layers");
  if (!from.norm_topk_prob) cannot_write("norm_topk_prob false");
}

// Qwen3-Coder. Source: its template.
constexpr std::string_view kCoderSigns[] = {"<tool_call>", "<function="};
constexpr std::string_view kCoderBegins[] = {"<tool_call>", "<function="}, kCoderEnds[] = {"</tool_call>"};
constexpr text::CallForm kCoderCalls{.name = "qwen3_coder",
                                     .signs = kCoderSigns,
                                     .syntax = text::CallSyntax::kTags,
                                     .begins = kCoderBegins,
                                     .ends = kCoderEnds};

}  // namespace

extern constinit const Family kQwen2{
    .name = "Qwen2ForCausalLM",
    .model_type = "qwen2",
    .scorer = "Qwen2ForSequenceClassification",
    .families = "Qwen 2 and 2.5, A.X 4",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "max_window_layers": 28,
                    "sliding_window": 4096})",
    .fixed = R"({"attention_bias": true})",
    .read = read_qwen,
    .write = write_qwen,
    .gguf = {.name = "qwen2"},
    .calls = &kHermesCalls};

extern constinit const Family kQwen3{
    .name = "Qwen3ForCausalLM",
    .model_type = "qwen3",
    .scorer = "Qwen3ForSequenceClassification",
    .families = "Qwen3",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "head_dim": 128,
                    "max_window_layers": 28, "sliding_window": 4096})",
    .fixed = R"({"qk_norm": true})",
    .keys = kAttentionBiasKeys,
    .read = read_qwen,
    .write = write_qwen,
    .gguf = {.name = "qwen3"},
    .calls = &kHermesCalls,
    .reasoning = &kThinkTags};

extern constinit const Family kQwen3Moe{
    .name = "Qwen3MoeForCausalLM",
    .model_type = "qwen3_moe",
    .scorer = "Qwen3MoeForSequenceClassification",
    .families = "Qwen3 MoE",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "num_key_value_heads": 4,
                    "num_experts_per_tok": 8, "num_experts": 128, "moe_intermediate_size": 768,
                    "norm_topk_prob": false})",
    .fixed = R"({"qk_norm": true})",
    .keys = kMoeKeys,
    .read = read_qwen3_moe,
    .write = write_qwen3_moe,
    .gguf = {.name = "qwen3moe", .block = kMoeBlock, .experts = true, .read = read_moe_gguf, .write = write_moe_gguf},
    .calls = &kCoderCalls,
    .reasoning = &kThinkTags};

}  // namespace maru::families
