#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "models/families.h"

namespace maru {
namespace {

constexpr FieldKey kCommonKeys[] = {{"vocab_size", "vocab_size"},
                                    {"hidden_size", "hidden_size"},
                                    {"intermediate_size", "intermediate_size"},
                                    {"num_hidden_layers", "num_hidden_layers"},
                                    {"num_attention_heads", "num_attention_heads"},
                                    {"num_key_value_heads", "num_key_value_heads"},
                                    {"head_dim", "head_dim"},
                                    {"max_position_embeddings", "max_position_embeddings"},
                                    {"rms_norm_eps", "rms_norm_eps"},
                                    {"initializer_range", "initializer_range"},
                                    {"hidden_act", "hidden_act"},
                                    {"tie_word_embeddings", "tie_word_embeddings"}};

constexpr FieldKey kBiasKeys[] = {
    {"attention_bias", "attention_bias"}, {"attention_output_bias", "attention_bias"}, {"mlp_bias", "mlp_bias"}};
constexpr FieldKey kAttentionBiasKeys[] = {{"attention_bias", "attention_bias"},
                                           {"attention_output_bias", "attention_bias"}};
constexpr FieldKey kHyperClovaKeys[] = {{"attention_bias", "attention_bias"},
                                        {"attention_output_bias", "attention_bias"},
                                        {"mlp_bias", "mlp_bias"},
                                        {"embedding_multiplier", "embedding_multiplier"},
                                        {"attention_multiplier", "attention_multiplier"},
                                        {"residual_multiplier", "residual_multiplier"},
                                        {"logits_multiplier", "logits_scaling"},
                                        {"use_post_norm", "use_post_norm"}};
constexpr FieldKey kGraniteKeys[] = {{"attention_bias", "attention_bias"},
                                     {"attention_output_bias", "attention_bias"},
                                     {"mlp_bias", "mlp_bias"},
                                     {"embedding_multiplier", "embedding_multiplier"},
                                     {"attention_multiplier", "attention_multiplier"},
                                     {"residual_multiplier", "residual_multiplier"}};

constexpr FieldKey kExaoneKeys[] = {
    {"num_hidden_layers", "num_layers"}, {"rms_norm_eps", "layer_norm_epsilon"}, {"hidden_act", "activation_function"}};
constexpr FieldKey kGemmaKeys[] = {{"hidden_act", "hidden_activation"},
                                   {"attention_bias", "attention_bias"},
                                   {"attention_output_bias", "attention_bias"}};
constexpr FieldKey kGptNeoXKeys[] = {{"rms_norm_eps", "layer_norm_eps"},
                                     {"parallel_residual", "use_parallel_residual"},
                                     {"attention_bias", "attention_bias"},
                                     {"attention_output_bias", "attention_bias"}};
constexpr FieldKey kGpt2Keys[] = {{"hidden_size", "n_embd"},
                                  {"intermediate_size", "n_inner"},
                                  {"num_hidden_layers", "n_layer"},
                                  {"num_attention_heads", "n_head"},
                                  {"max_position_embeddings", "n_positions"},
                                  {"rms_norm_eps", "layer_norm_epsilon"},
                                  {"hidden_act", "activation_function"}};
constexpr FieldKey kMixtralKeys[] = {{"num_experts", "num_local_experts"},
                                     {"num_experts_per_tok", "num_experts_per_tok"}};
constexpr FieldKey kQwen3MoeKeys[] = {{"attention_bias", "attention_bias"},
                                      {"attention_output_bias", "attention_bias"},
                                      {"num_experts", "num_experts"},
                                      {"num_experts_per_tok", "num_experts_per_tok"},
                                      {"moe_intermediate_size", "moe_intermediate_size"},
                                      {"norm_topk_prob", "norm_topk_prob"}};
// SolarOpenAttention has biases on queries, keys and values alone.
constexpr FieldKey kSolarOpenKeys[] = {{"attention_bias", "attention_bias"},
                                       {"intermediate_size", "moe_intermediate_size"},
                                       {"num_experts", "n_routed_experts"},
                                       {"num_experts_per_tok", "num_experts_per_tok"},
                                       {"moe_intermediate_size", "moe_intermediate_size"},
                                       {"n_shared_experts", "n_shared_experts"},
                                       {"norm_topk_prob", "norm_topk_prob"},
                                       {"routed_scaling_factor", "routed_scaling_factor"},
                                       {"n_group", "n_group"},
                                       {"topk_group", "topk_group"}};

constexpr WeightRule kExaoneWeights[] = {{"model.embed_tokens", "transformer.wte"},
                                         {"model.norm", "transformer.ln_f"},
                                         {"model.layers.*.input_layernorm", "transformer.h.*.ln_1"},
                                         {"model.layers.*.post_attention_layernorm", "transformer.h.*.ln_2"},
                                         {"model.layers.*.self_attn.q_proj", "transformer.h.*.attn.attention.q_proj"},
                                         {"model.layers.*.self_attn.k_proj", "transformer.h.*.attn.attention.k_proj"},
                                         {"model.layers.*.self_attn.v_proj", "transformer.h.*.attn.attention.v_proj"},
                                         {"model.layers.*.self_attn.o_proj", "transformer.h.*.attn.attention.out_proj"},
                                         {"model.layers.*.mlp.gate_proj", "transformer.h.*.mlp.c_fc_0"},
                                         {"model.layers.*.mlp.up_proj", "transformer.h.*.mlp.c_fc_1"},
                                         {"model.layers.*.mlp.down_proj", "transformer.h.*.mlp.c_proj"}};
constexpr WeightRule kExaone4Weights[] = {{"model.layers.*.post_norm1", "model.layers.*.post_attention_layernorm"},
                                          {"model.layers.*.post_norm2", "model.layers.*.post_feedforward_layernorm"}};
constexpr WeightRule kGemmaWeights[] = {
    {"model.layers.*.post_norm1", "model.layers.*.post_attention_layernorm"},
    {"model.layers.*.post_attention_layernorm", "model.layers.*.pre_feedforward_layernorm"},
    {"model.layers.*.post_norm2", "model.layers.*.post_feedforward_layernorm"}};
constexpr WeightRule kPhi3Weights[] = {{"model.layers.*.self_attn.q_proj", "model.layers.*.self_attn.qkv_proj"},
                                       {"model.layers.*.self_attn.k_proj", "model.layers.*.self_attn.qkv_proj"},
                                       {"model.layers.*.self_attn.v_proj", "model.layers.*.self_attn.qkv_proj"},
                                       {"model.layers.*.mlp.gate_proj", "model.layers.*.mlp.gate_up_proj"},
                                       {"model.layers.*.mlp.up_proj", "model.layers.*.mlp.gate_up_proj"}};
constexpr auto kByHead = WeightLayout::kInterleaved;
constexpr WeightRule kGptNeoXWeights[] = {
    {"model.embed_tokens", "gpt_neox.embed_in"},
    {"model.norm", "gpt_neox.final_layer_norm"},
    {"lm_head", "embed_out"},
    {"model.layers.*.input_layernorm", "gpt_neox.layers.*.input_layernorm"},
    {"model.layers.*.post_attention_layernorm", "gpt_neox.layers.*.post_attention_layernorm"},
    {"model.layers.*.self_attn.q_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.k_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.v_proj", "gpt_neox.layers.*.attention.query_key_value", kByHead},
    {"model.layers.*.self_attn.o_proj", "gpt_neox.layers.*.attention.dense"},
    {"model.layers.*.mlp.up_proj", "gpt_neox.layers.*.mlp.dense_h_to_4h"},
    {"model.layers.*.mlp.down_proj", "gpt_neox.layers.*.mlp.dense_4h_to_h"}};
constexpr auto kConv1D = WeightLayout::kTransposed;
constexpr WeightRule kGpt2Weights[] = {{"model.embed_tokens", "transformer.wte"},
                                       {"model.embed_positions", "transformer.wpe"},
                                       {"model.norm", "transformer.ln_f"},
                                       {"model.layers.*.input_layernorm", "transformer.h.*.ln_1"},
                                       {"model.layers.*.post_attention_layernorm", "transformer.h.*.ln_2"},
                                       {"model.layers.*.self_attn.q_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                       {"model.layers.*.self_attn.k_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                       {"model.layers.*.self_attn.v_proj", "transformer.h.*.attn.c_attn", kConv1D},
                                       {"model.layers.*.self_attn.o_proj", "transformer.h.*.attn.c_proj", kConv1D},
                                       {"model.layers.*.mlp.up_proj", "transformer.h.*.mlp.c_fc", kConv1D},
                                       {"model.layers.*.mlp.down_proj", "transformer.h.*.mlp.c_proj", kConv1D}};
constexpr WeightRule kMixtralWeights[] = {
    {"model.layers.*.mlp.gate", "model.layers.*.block_sparse_moe.gate"},
    {"model.layers.*.mlp.experts.*.gate_proj", "model.layers.*.block_sparse_moe.experts.*.w1"},
    {"model.layers.*.mlp.experts.*.up_proj", "model.layers.*.block_sparse_moe.experts.*.w3"},
    {"model.layers.*.mlp.experts.*.down_proj", "model.layers.*.block_sparse_moe.experts.*.w2"}};

constexpr std::string_view kGemma2Defaults = R"({"hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
    "max_position_embeddings": 8192, "num_key_value_heads": 4, "head_dim": 256, "tie_word_embeddings": true,
    "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 2, "final_logit_softcapping": 30,
    "attn_logit_softcapping": 50})";
constexpr std::string_view kGemma3Defaults = R"({"hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
    "max_position_embeddings": 131072, "num_key_value_heads": 4, "head_dim": 256, "tie_word_embeddings": true,
    "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 6, "rope_theta": 1e6,
    "rope_local_base_freq": 1e4})";
constexpr std::string_view kLlamaDefaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048})";

constexpr std::array kArchitectures{
    Architecture{.name = "LlamaForCausalLM",
                 .model_type = "llama",
                 .families = "Llama 2 and 3, Kanana, Mi:dm 2.0, Solar, HyperCLOVA X SEED Text",
                 .defaults = kLlamaDefaults,
                 .keys = kBiasKeys},
    Architecture{.name = "Qwen3ForCausalLM",
                 .model_type = "qwen3",
                 .families = "Qwen3",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "head_dim": 128,
                                 "max_window_layers": 28, "sliding_window": 4096})",
                 .fixed = R"({"qk_norm": true})",
                 .keys = kAttentionBiasKeys,
                 .read = families::read_qwen,
                 .write = families::write_qwen},
    Architecture{.name = "HyperCLOVAXForCausalLM",
                 .model_type = "hyperclovax",
                 .families = "HyperCLOVA X SEED Think",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "use_post_norm": true})",
                 .keys = kHyperClovaKeys},
    Architecture{.name = "GraniteForCausalLM",
                 .model_type = "granite",
                 .families = "Granite 3",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "attention_multiplier": 1})",
                 .keys = kGraniteKeys,
                 .read = families::read_granite,
                 .write = families::write_granite},
    Architecture{.name = "MistralForCausalLM",
                 .model_type = "mistral",
                 .families = "Mistral",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "num_key_value_heads": 8,
                                 "sliding_window": 4096})",
                 .read = families::read_window,
                 .write = families::write_window},
    Architecture{.name = "Qwen2ForCausalLM",
                 .model_type = "qwen2",
                 .families = "Qwen 2 and 2.5, A.X 4",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "max_window_layers": 28,
                                 "sliding_window": 4096})",
                 .fixed = R"({"attention_bias": true})",
                 .read = families::read_qwen,
                 .write = families::write_qwen},
    Architecture{.name = "ExaoneForCausalLM",
                 .model_type = "exaone",
                 .families = "EXAONE 3 and 3.5",
                 .defaults = R"({"layer_norm_epsilon": 1e-5, "max_position_embeddings": 2048,
                                 "tie_word_embeddings": true})",
                 .keys = kExaoneKeys,
                 .weights = kExaoneWeights},
    Architecture{.name = "Exaone4ForCausalLM",
                 .model_type = "exaone4",
                 .families = "EXAONE 4.0",
                 .defaults = R"({"max_position_embeddings": 2048, "num_key_value_heads": 32, "sliding_window": 4096,
                                 "sliding_window_pattern": 4})",
                 .fixed = R"({"qk_norm": true, "use_pre_norm": false, "use_post_norm": true})",
                 .read = families::read_exaone4,
                 .write = families::write_exaone4,
                 .weights = kExaone4Weights},
    Architecture{.name = "Gemma2ForCausalLM",
                 .model_type = "gemma2",
                 .families = "Gemma 2",
                 .defaults = kGemma2Defaults,
                 .fixed = R"({"use_post_norm": true, "norm_weight_offset": 1})",
                 .required = R"({"use_bidirectional_attention": false})",
                 .keys = kGemmaKeys,
                 .read = families::read_gemma2,
                 .write = families::write_gemma2,
                 .weights = kGemmaWeights},
    Architecture{.name = "Gemma3ForCausalLM",
                 .model_type = "gemma3_text",
                 .families = "Gemma 3 (text)",
                 .defaults = kGemma3Defaults,
                 .fixed = R"({"use_post_norm": true, "norm_weight_offset": 1, "qk_norm": true})",
                 .required = R"({"use_bidirectional_attention": false, "attn_logit_softcapping": null})",
                 .keys = kGemmaKeys,
                 .read = families::read_gemma3,
                 .write = families::write_gemma3,
                 .weights = kGemmaWeights},
    Architecture{.name = "Phi3ForCausalLM",
                 .model_type = "phi3",
                 .families = "Phi-3, Phi-4",
                 .defaults = R"({"max_position_embeddings": 4096, "original_max_position_embeddings": 4096})",
                 .read = families::read_phi3,
                 .write = families::write_phi3,
                 .weights = kPhi3Weights},
    Architecture{.name = "GPTNeoXForCausalLM",
                 .model_type = "gpt_neox",
                 .families = "GPT-NeoX, Polyglot-Ko",
                 .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "max_position_embeddings": 2048,
                                 "rotary_pct": 0.25, "rotary_emb_base": 10000, "use_parallel_residual": true,
                                 "attention_bias": true})",
                 .fixed = R"({"norm_type": "layer_norm", "mlp_bias": true})",
                 .keys = kGptNeoXKeys,
                 .read = families::read_gpt_neox,
                 .write = families::write_gpt_neox,
                 .weights = kGptNeoXWeights},
    Architecture{.name = "GPT2LMHeadModel",
                 .model_type = "gpt2",
                 .families = "GPT-2, KoGPT2",
                 .defaults = R"({"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "n_positions": 1024,
                                 "tie_word_embeddings": true})",
                 .fixed = R"({"norm_type": "layer_norm", "learned_positions": true, "attention_bias": true,
                              "attention_output_bias": true, "mlp_bias": true})",
                 .required = R"({"scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false,
                                 "add_cross_attention": false})",
                 .keys = kGpt2Keys,
                 .read = families::read_gpt2,
                 .write = families::write_gpt2,
                 .weights = kGpt2Weights},
    Architecture{.name = "MixtralForCausalLM",
                 .model_type = "mixtral",
                 .families = "Mixtral",
                 .defaults = R"({"max_position_embeddings": 131072, "num_key_value_heads": 8, "rope_theta": 1e6,
                                 "num_experts_per_tok": 2, "num_local_experts": 8})",
                 .keys = kMixtralKeys,
                 .read = families::read_mixtral,
                 .write = families::write_mixtral,
                 .weights = kMixtralWeights},
    Architecture{.name = "Qwen3MoeForCausalLM",
                 .model_type = "qwen3_moe",
                 .families = "Qwen3 MoE",
                 .defaults = R"({"rms_norm_eps": 1e-6, "max_position_embeddings": 32768, "num_key_value_heads": 4,
                                 "num_experts_per_tok": 8, "num_experts": 128, "moe_intermediate_size": 768,
                                 "norm_topk_prob": false})",
                 .fixed = R"({"qk_norm": true})",
                 .keys = kQwen3MoeKeys,
                 .read = families::read_qwen3_moe,
                 .write = families::write_qwen3_moe},
    Architecture{.name = "SolarOpenForCausalLM",
                 .model_type = "solar_open",
                 .families = "Solar Open",
                 .defaults = R"({"max_position_embeddings": 131072, "num_key_value_heads": 8, "head_dim": 128,
                                 "rope_theta": 1e6, "moe_intermediate_size": 1280, "num_experts_per_tok": 8,
                                 "n_routed_experts": 128, "n_shared_experts": 1, "norm_topk_prob": true,
                                 "routed_scaling_factor": 1, "n_group": 1, "topk_group": 1})",
                 .fixed = R"({"router_scoring": "sigmoid"})",
                 .keys = kSolarOpenKeys},
};

Json parse(std::string_view text) { return parse_json(text, "registry").value(); }

/// Activations that compute the same under several names.
struct Alias {
  std::string_view ours, theirs;
};
constexpr Alias kActivations[] = {{"silu", "silu"},
                                  {"silu", "swish"},
                                  {"gelu", "gelu"},
                                  {"relu", "relu"},
                                  {"gelu_pytorch_tanh", "gelu_pytorch_tanh"},
                                  {"gelu_pytorch_tanh", "gelu_new"},
                                  {"gelu_pytorch_tanh", "gelu_fast"}};

Json our_activation(const HuggingFaceConfig& from, std::string_view key) {
  const auto name = from.get<std::string>(key, "");
  for (const Alias& a : kActivations)
    if (a.theirs == name) return a.ours;
  from.refuse(std::string(key) + ": \"" + name + "\" is not supported");
}

/// Keys of an architecture: its own, and the common ones for fields that it does not name.
std::vector<FieldKey> keys_of(const Architecture& a) {
  std::vector<FieldKey> keys(a.keys.begin(), a.keys.end());
  for (const FieldKey& common : kCommonKeys)
    if (std::none_of(a.keys.begin(), a.keys.end(), [&](const FieldKey& k) { return k.field == common.field; }))
      keys.push_back(common);
  return keys;
}

void check_required(const Architecture& a, const HuggingFaceConfig& from) {
  const Json required = parse(a.required);
  for (const auto& item : required.items())
    if (from.has(item.key()) && from.at(item.key()) != item.value())
      from.refuse(item.key() + ": expected " + item.value().dump() + ", got " + from.at(item.key()).dump());
}

void require_sizes(const Json& fields, const std::vector<FieldKey>& keys, const std::string& where) {
  for (const char* field :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    if (fields.contains(field)) continue;
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const FieldKey& k) { return k.field == field; });
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: {} is missing", where, key->key));
  }
}

DecoderConfig read_config(const Architecture& a, const Json& json, const std::string& where) {
  const HuggingFaceConfig from(json, a.defaults, where);
  check_required(a, from);
  Json fields = parse(a.fixed);
  const std::vector<FieldKey> keys = keys_of(a);
  for (const FieldKey& k : keys)
    if (from.has(k.key))
      fields[std::string(k.field)] = k.field == "hidden_act" ? our_activation(from, k.key) : from.at(k.key);
  families::read_rope(from, fields);
  if (a.read != nullptr) a.read(from, fields);
  require_sizes(fields, keys, where);
  if (!fields.contains("num_key_value_heads")) fields["num_key_value_heads"] = fields["num_attention_heads"];
  if (!fields.contains("tie_word_embeddings")) fields["tie_word_embeddings"] = false;
  fields["architecture"] = a.name;
  return resolve(from_json<DecoderConfig>(fields, where));
}

Json write_config(const Architecture& a, const DecoderConfig& c, const std::string& torch_dtype) {
  Json config{{"architectures", Json::array({a.name})}, {"model_type", a.model_type}};
  Json fields = to_json(c);
  fields["attention_multiplier"] = c.attention_scale();
  for (const FieldKey& k : keys_of(a)) config[std::string(k.key)] = fields.at(std::string(k.field));
  families::write_rope(c, config);
  const Json required = parse(a.required);
  for (const auto& item : required.items()) config[item.key()] = item.value();
  if (a.write != nullptr) a.write(c, config);
  config["attention_dropout"] = 0.0;
  config["use_cache"] = true;
  config["torch_dtype"] = torch_dtype;
  return config;
}

/// Fields that reading what was written does not give back.
std::vector<std::string> lost_fields(const Architecture& a, DecoderConfig config) {
  config.architecture = a.name;
  std::vector<std::string> lost;
  try {
    const Json wanted = to_json(resolve(config));
    const Json got = to_json(read_config(a, write_config(a, config, "float32"), "model"));
    for (const auto& item : wanted.items())
      if (got.at(item.key()) != item.value()) lost.push_back(item.key());
  } catch (const Failure& e) {
    lost.push_back(e.error().message);
  }
  return lost;
}

[[noreturn]] void cannot_express(const Architecture& nearest, const std::vector<std::string>& lost) {
  throw Failure(
      ErrorCode::kUnimplemented,
      fmt::format("model: no Hugging Face architecture of this build has these features together; the nearest, "
                  "{}, lacks {}",
                  nearest.name, fmt::join(lost, ", ")));
}

}  // namespace

HuggingFaceConfig::HuggingFaceConfig(const Json& json, std::string_view defaults, std::string where)
    : json_(parse(defaults)), where_(std::move(where)) {
  json_.update(json);
}

const Json& HuggingFaceConfig::at(std::string_view key) const {
  static const Json kNull;
  const auto it = json_.find(key);
  return it == json_.end() ? kNull : *it;
}

void HuggingFaceConfig::refuse(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, where_ + ": " + what);
}

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture& find_architecture(std::string_view name, const std::string& where) {
  std::vector<std::string_view> names;
  for (const Architecture& a : kArchitectures) {
    if (a.name == name) return a;
    names.push_back(a.name);
  }
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: architectures: expected one of {}, got \"{}\"", where, fmt::join(names, ", "), name));
}

const Architecture& architecture_of(const DecoderConfig& config) {
  const Architecture* nearest = nullptr;
  std::vector<std::string> lost;
  for (const Architecture& a : kArchitectures) {
    if (!config.architecture.empty() && a.name != config.architecture) continue;
    const std::vector<std::string> lacks = lost_fields(a, config);
    if (lacks.empty()) return a;
    if (nearest == nullptr || lacks.size() < lost.size()) nearest = &a, lost = lacks;
  }
  if (nearest == nullptr) return find_architecture(config.architecture, "model");
  cannot_express(*nearest, lost);
}

DecoderConfig config_from_hugging_face(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, where + ": expected a JSON object");
  const auto it = json.find("architectures");
  const std::string name = it != json.end() && it->is_array() && !it->empty() && it->front().is_string()
                               ? it->front().get<std::string>()
                               : "";
  return read_config(find_architecture(name, where), json, where);
}

Json config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype) {
  return write_config(architecture_of(config), config, torch_dtype);
}

}  // namespace maru
