// Mistral, and Mixtral with experts in the place of its MLP.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kMixtralKeys[] = {{"num_experts", "num_local_experts"},
                                     {"num_experts_per_tok", "num_experts_per_tok"}};
constexpr WeightRule kMixtralWeights[] = {
    {"model.layers.*.mlp.gate", "model.layers.*.block_sparse_moe.gate"},
    {"model.layers.*.mlp.experts.*.gate_proj", "model.layers.*.block_sparse_moe.experts.*.w1"},
    {"model.layers.*.mlp.experts.*.up_proj", "model.layers.*.block_sparse_moe.experts.*.w3"},
    {"model.layers.*.mlp.experts.*.down_proj", "model.layers.*.block_sparse_moe.experts.*.w2"}};
constexpr NamePair kMixtralBlock[] = {{"input_layernorm", "attn_norm"},
                                      {"self_attn.q_proj", "attn_q"},
                                      {"self_attn.k_proj", "attn_k"},
                                      {"self_attn.v_proj", "attn_v"},
                                      {"self_attn.o_proj", "attn_output"},
                                      {"post_attention_layernorm", "ffn_norm"},
                                      {"block_sparse_moe.gate", "ffn_gate_inp"},
                                      {"block_sparse_moe.experts.*.w1", "ffn_gate_exps"},
                                      {"block_sparse_moe.experts.*.w3", "ffn_up_exps"},
                                      {"block_sparse_moe.experts.*.w2", "ffn_down_exps"}};

void read_mixtral(const HuggingFaceConfig& from, Json& fields) {
  read_window(from, fields);
  fields["moe_intermediate_size"] = from.at("intermediate_size");
}

void write_mixtral(const DecoderConfig& from, Json& config) {
  write_window(from, config);
  config["intermediate_size"] = from.moe_intermediate_size;
}

void read_gguf(const GgufKeys&, Json& config) { config["sliding_window"] = nullptr; }

// Source: the templates of Mistral's models and mistral-common. Templates refuse ids of another length.
constexpr std::string_view kMark[] = {"[TOOL_CALLS]"}, kThinkSigns[] = {"[THINK]"};
constexpr text::CallForm kCalls{.name = "mistral",
                                .signs = kMark,
                                .syntax = text::CallSyntax::kNamed,
                                .begins = kMark,
                                .open = "[TOOL_CALLS][{\"name\": \"",
                                .middle = "\", \"arguments\": ",
                                .close = "}]",
                                .id_characters = 9};
constexpr text::ReasoningForm kReasoning{
    .name = "mistral", .signs = kThinkSigns, .begin = "[THINK]", .end = "[/THINK]"};

}  // namespace

extern constinit const Family kMistral{
    .name = "MistralForCausalLM",
    .model_type = "mistral",
    .scorer = "MistralForSequenceClassification",
    .families = "Mistral",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "num_key_value_heads": 8,
                    "sliding_window": 4096})",
    .read = read_window,
    .write = write_window,
    .gguf = {.name = "llama", .neighbours = true},
    .calls = &kCalls,
    .reasoning = &kReasoning};

extern constinit const Family kMixtral{
    .name = "MixtralForCausalLM",
    .model_type = "mixtral",
    .scorer = "MixtralForSequenceClassification",
    .families = "Mixtral",
    .defaults = R"({"max_position_embeddings": 131072, "num_key_value_heads": 8, "rope_theta": 1e6,
                    "num_experts_per_tok": 2, "num_local_experts": 8})",
    .keys = kMixtralKeys,
    .read = read_mixtral,
    .write = write_mixtral,
    .weights = kMixtralWeights,
    .gguf = {.name = "llama", .block = kMixtralBlock, .neighbours = true, .experts = true, .read = read_gguf}};

}  // namespace maru::families
