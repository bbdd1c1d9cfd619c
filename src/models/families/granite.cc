// Granite: muP's multipliers, and logits that are divided.
#include <cmath>

#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr FieldKey kKeys[] = {{"attention_bias", "attention_bias"},
                              {"attention_output_bias", "attention_bias"},
                              {"mlp_bias", "mlp_bias"},
                              {"embedding_multiplier", "embedding_multiplier"},
                              {"attention_multiplier", "attention_multiplier"},
                              {"residual_multiplier", "residual_multiplier"}};

void read_granite(const HuggingFaceConfig& from, Json& fields) {
  const double scaling = from.get<double>("logits_scaling", 1);
  if (scaling == 0) from.refuse("logits_scaling is 0");
  fields["logits_multiplier"] = 1 / scaling;
}

void write_granite(const DecoderConfig& from, Json& config) { config["logits_scaling"] = 1 / from.logits_multiplier; }

void read_gguf(const GgufKeys& from, Json& config) {
  config["embedding_multiplier"] = from.number("embedding_scale", 1);
  config["residual_multiplier"] = from.number("residual_scale", 1);
  config["logits_scaling"] = from.number("logit_scale", 1);
  config["attention_multiplier"] = from.number("attention.scale", 1 / std::sqrt(config["head_dim"].get<double>()));
}

void write_gguf(const DecoderConfig& from, GgufKeyWriter& to) {
  to.number("attention.scale", from.attention_scale());
  to.number("embedding_scale", from.embedding_multiplier);
  to.number("residual_scale", from.residual_multiplier);
  to.number("logit_scale", 1 / from.logits_multiplier);
}

// Source: the templates of Granite 3.0 to 3.3: a list behind the mark, and nothing behind the list.
constexpr std::string_view kCallSigns[] = {"<|tool_call|>"}, kCallBegins[] = {"<|tool_call|>"};
constexpr text::CallForm kCalls{.name = "granite",
                                .signs = kCallSigns,
                                .begins = kCallBegins,
                                .open = "<|tool_call|>[{\"name\": \"",
                                .middle = "\", \"arguments\": ",
                                .close = "}]"};

}  // namespace

extern constinit const Family kGranite{
    .name = "GraniteForCausalLM",
    .model_type = "granite",
    .families = "Granite 3",
    .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "attention_multiplier": 1})",
    .keys = kKeys,
    .read = read_granite,
    .write = write_granite,
    .gguf = {.name = "granite", .neighbours = true, .read = read_gguf, .write = write_gguf},
    .calls = &kCalls};

}  // namespace maru::families
