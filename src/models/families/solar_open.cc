// Solar Open: experts that are chosen by sigmoid scores among groups, beside those that every token meets.
#include <fmt/format.h>

#include <algorithm>

#include "models/families/common.h"

namespace maru::families {
namespace {

// Its attention has biases on queries, keys and values alone.
constexpr FieldKey kKeys[] = {{"attention_bias", "attention_bias"},
                              {"intermediate_size", "moe_intermediate_size"},
                              {"num_experts", "n_routed_experts"},
                              {"num_experts_per_tok", "num_experts_per_tok"},
                              {"moe_intermediate_size", "moe_intermediate_size"},
                              {"n_shared_experts", "n_shared_experts"},
                              {"norm_topk_prob", "norm_topk_prob"},
                              {"routed_scaling_factor", "routed_scaling_factor"},
                              {"n_group", "n_group"},
                              {"topk_group", "topk_group"}};

constexpr NamePair kBlock[] = {{"input_layernorm", "attn_norm"},
                               {"self_attn.q_proj", "attn_q"},
                               {"self_attn.k_proj", "attn_k"},
                               {"self_attn.v_proj", "attn_v"},
                               {"self_attn.o_proj", "attn_output"},
                               {"post_attention_layernorm", "post_attention_norm"},
                               {"mlp.gate", "ffn_gate_inp"},
                               {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
                               {"mlp.experts.*.gate_proj", "ffn_gate_exps"},
                               {"mlp.experts.*.up_proj", "ffn_up_exps"},
                               {"mlp.experts.*.down_proj", "ffn_down_exps"},
                               {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
                               {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
                               {"mlp.shared_experts.down_proj", "ffn_down_shexp"}};
constexpr int64_t kSigmoid = 2;  // of llama.cpp's ways to score experts

// GLM 4.5 has the same name, and parts that Solar Open has not.
void read_gguf(const GgufKeys& from, Json& config) {
  for (const char* key : {"leading_dense_block_count", "nextn_predict_layers"})
    if (const int64_t layers = from.integer(key, 0); layers != 0)
      throw Failure(ErrorCode::kUnimplemented,
                    fmt::format("{}: {}{} {} cannot be read", from.file().name(), from.prefix(), key, layers));
  if (const int64_t scoring = from.integer("expert_gating_func", kSigmoid); scoring != kSigmoid)
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: {}expert_gating_func {} cannot be read",
                                                         from.file().name(), from.prefix(), scoring));
  config["intermediate_size"] = config["moe_intermediate_size"];
  config["attention_bias"] = from.file().tensor("blk.0.attn_q.bias") != nullptr;
  config["n_shared_experts"] = from.integer("expert_shared_count");
  config["n_group"] = std::max<int64_t>(1, from.integer("expert_group_count", 1));
  config["topk_group"] = std::max<int64_t>(1, from.integer("expert_group_used_count", 1));
  config["routed_scaling_factor"] = from.number("expert_weights_scale", 1);
  config["norm_topk_prob"] = from.flag("expert_weights_norm", false);
}

void write_gguf(const DecoderConfig& from, GgufKeyWriter& to) {
  if (from.n_shared_experts == 0) cannot_write("n_shared_experts 0");
  to.integer("leading_dense_block_count", 0);
  to.integer("expert_shared_count", from.n_shared_experts);
  to.integer("expert_group_count", from.n_group);
  to.integer("expert_group_used_count", from.topk_group);
  to.integer("expert_gating_func", kSigmoid);
  to.number("expert_weights_scale", from.routed_scaling_factor);
  to.flag("expert_weights_norm", from.norm_topk_prob);
}

}  // namespace

extern constinit const Family kSolarOpen{
    .name = "SolarOpenForCausalLM",
    .model_type = "solar_open",
    .families = "Solar Open",
    .defaults = R"({"max_position_embeddings": 131072, "num_key_value_heads": 8, "head_dim": 128,
                    "rope_theta": 1e6, "moe_intermediate_size": 1280, "num_experts_per_tok": 8,
                    "n_routed_experts": 128, "n_shared_experts": 1, "norm_topk_prob": true,
                    "routed_scaling_factor": 1, "n_group": 1, "topk_group": 1})",
    .fixed = R"({"router_scoring": "sigmoid"})",
    .keys = kKeys,
    .gguf = {.name = "glm4moe", .block = kBlock, .experts = true, .read = read_gguf, .write = write_gguf}};

}  // namespace maru::families
