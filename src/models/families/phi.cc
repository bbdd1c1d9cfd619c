// Phi-3 and Phi-4: fused projections, and a context that comes in two lengths.
#include "models/families/common.h"

namespace maru::families {
namespace {

constexpr WeightRule kWeights[] = {{"model.layers.*.self_attn.q_proj", "model.layers.*.self_attn.qkv_proj"},
                                   {"model.layers.*.self_attn.k_proj", "model.layers.*.self_attn.qkv_proj"},
                                   {"model.layers.*.self_attn.v_proj", "model.layers.*.self_attn.qkv_proj"},
                                   {"model.layers.*.mlp.gate_proj", "model.layers.*.mlp.gate_up_proj"},
                                   {"model.layers.*.mlp.up_proj", "model.layers.*.mlp.gate_up_proj"}};
constexpr NamePair kBlock[] = {{"input_layernorm", "attn_norm"},    {"self_attn.qkv_proj", "attn_qkv"},
                               {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
                               {"mlp.gate_up_proj", "ffn_up"},      {"mlp.down_proj", "ffn_down"}};

void read_phi3(const HuggingFaceConfig& from, Json& fields) {
  read_window(from, fields);
  const Json& type = fields["rope_scaling"]["rope_type"];
  if (type != "default" && type != "longrope") from.refuse("rope_scaling of type " + type.dump() + " is not supported");
}

/// Some versions of transformers want three keys in rope_scaling and no other.
void write_phi3(const DecoderConfig& from, Json& config) {
  write_window(from, config);
  config["original_max_position_embeddings"] = from.max_position_embeddings;
  config["pad_token_id"] = nullptr;  // or it would be 32000, which small vocabularies do not have
  if (from.rope_scaling.rope_type != "longrope") return;
  const RopeScaling& s = from.rope_scaling;
  config["original_max_position_embeddings"] = s.original_max_position_embeddings;
  Json rope{{"type", "longrope"}, {"short_factor", s.short_factor}, {"long_factor", s.long_factor}};
  const double inferred =
      static_cast<double>(from.max_position_embeddings) / static_cast<double>(s.original_max_position_embeddings);
  if (s.factor != inferred) rope["factor"] = s.factor;
  if (s.attention_factor != 0) rope["attention_factor"] = s.attention_factor;
  config["rope_scaling"] = rope;
}

void read_gguf(const GgufKeys& from, Json& config) {
  const int64_t context = config["max_position_embeddings"].get<int64_t>();
  config["original_max_position_embeddings"] = from.integer("rope.scaling.original_context_length", context);
  if (const int64_t window = from.integer("attention.sliding_window", 0); window > 0) config["sliding_window"] = window;
}

void write_gguf(const DecoderConfig& from, GgufKeyWriter& to) {
  if (from.rope_scaling.rope_type != "default") return;
  to.integer("rope.scaling.original_context_length", from.max_position_embeddings);
}

// Phi-4-mini: a list between two marks. Its own template shows tools of a system message alone, so that nothing in it
// says so; source: its special tokens and Ollama's template for it.
constexpr std::string_view kCallSigns[] = {"<|tool_call|>", "<|/tool_call|>"}, kCallBegins[] = {"<|tool_call|>"},
                           kCallEnds[] = {"<|/tool_call|>"};
constexpr text::CallForm kCalls{.name = "phi4_mini",
                                .signs = kCallSigns,
                                .begins = kCallBegins,
                                .ends = kCallEnds,
                                .open = "<|tool_call|>[{\"name\": \"",
                                .middle = "\", \"arguments\": ",
                                .close = "}]<|/tool_call|>"};

}  // namespace

extern constinit const Family kPhi3{
    .name = "Phi3ForCausalLM",
    .model_type = "phi3",
    .scorer = "Phi3ForSequenceClassification",
    .families = "Phi-3, Phi-4",
    .defaults = R"({"max_position_embeddings": 4096, "original_max_position_embeddings": 4096})",
    .read = read_phi3,
    .write = write_phi3,
    .weights = kWeights,
    .gguf = {.name = "phi3", .block = kBlock, .longrope = true, .read = read_gguf, .write = write_gguf},
    .calls = &kCalls};

}  // namespace maru::families
