// Llama, and the many models that are published as one.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {
    {"attention_bias", "attention_bias"}, {"attention_output_bias", "attention_bias"}, {"mlp_bias", "mlp_bias"}};

// Llama 3.1 to 3.3. Source: their templates; "ipython" is the role of what tools return.
constexpr std::string_view kCallSigns[] = {"\"parameters\": ", "ipython"}, kCallBegins[] = {"<|python_tag|>"};
constexpr text::CallForm kCalls{.name = "llama3_json",
                                .signs = kCallSigns,
                                .begins = kCallBegins,
                                .bare = true,
                                .open = "{\"name\": \"",
                                .middle = "\", \"parameters\": ",
                                .close = "}"};

}  // namespace

extern constinit const Family kLlama{.name = "LlamaForCausalLM",
                                     .model_type = "llama",
                                     .scorer = "LlamaForSequenceClassification",
                                     .families = "Llama 2 and 3, Kanana, Mi:dm 2.0, Solar, HyperCLOVA X SEED Text",
                                     .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048})",
                                     .keys = kKeys,
                                     .gguf = {.name = "llama", .neighbours = true},
                                     .calls = &kCalls};

}  // namespace maru::families
