// Solar Open: experts that are chosen by sigmoid scores among groups, beside those that every token meets.
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
    .keys = kKeys};

}  // namespace maru::families
