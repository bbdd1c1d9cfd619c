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

// Source: NAVER's plugin for vLLM (hcx_tool_parser.py, hcx_reasoner.py), under Apache-2.0. A turn has up to three
// parts, each an assistant's own: thoughts, calls, and the answer.
constexpr std::string_view kCallSigns[] = {"tool/function_call"}, kReasoningSigns[] = {"force_reasoning"};
constexpr std::string_view kCallBegins[] = {"<|im_end|>\n<|im_start|>assistant -> tool/function_call\n",
                                            " -> tool/function_call\n"};
constexpr std::string_view kCallEnds[] = {"<|im_end|>"};
constexpr text::CallForm kCalls{.name = "hyperclovax",
                                .signs = kCallSigns,
                                .begins = kCallBegins,
                                .ends = kCallEnds,
                                .open = " -> tool/function_call\n[{\"name\": \"",
                                .middle = "\", \"arguments\": ",
                                .close = "}]"};
constexpr text::ReasoningForm kReasoning{.name = "hyperclovax",
                                         .signs = kReasoningSigns,
                                         .begin = "/think\n",
                                         .end = "<|im_end|>\n<|im_start|>assistant",
                                         .turn_part = "<|im_end|>",
                                         .with = R"({"force_reasoning": true})",
                                         .without = R"({"skip_reasoning": true})"};

}  // namespace

extern constinit const Family kHyperClovaX{
    .name = "HyperCLOVAXForCausalLM",
    .model_type = "hyperclovax",
    .families = "HyperCLOVA X SEED Think",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "use_post_norm": true})",
    .keys = kKeys,
    .calls = &kCalls,
    .reasoning = &kReasoning};

}  // namespace maru::families
