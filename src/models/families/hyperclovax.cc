// HyperCLOVA X SEED Think: norms before and behind, and muP's multipliers.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"attention_bias", "attention_bias"},
                              {"attention_output_bias", "attention_bias"},
                              {"mlp_bias", "mlp_bias"},
                              {"embedding_multiplier", "embedding_multiplier"},
                              {"attention_multiplier", "attention_multiplier"},
                              {"residual_multiplier", "residual_multiplier"},
                              {"logits_multiplier", "logits_scaling"},
                              {"use_post_norm", "use_post_norm"}};

}  // namespace

extern constinit const Family kHyperClovaX{
    .name = "HyperCLOVAXForCausalLM",
    .model_type = "hyperclovax",
    .families = "HyperCLOVA X SEED Think",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "use_post_norm": true})",
    .keys = kKeys};

}  // namespace maru::families
