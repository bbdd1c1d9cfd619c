#include "formats/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/json.h"

namespace maru::formats {
namespace {

struct NamePair {
  std::string_view hugging_face, gguf;
};

constexpr std::array<NamePair, 3> kOuter{
    {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}}};

constexpr std::array<NamePair, 11> kBlock{{{"input_layernorm", "attn_norm"},
                                           {"self_attn.q_proj", "attn_q"},
                                           {"self_attn.k_proj", "attn_k"},
                                           {"self_attn.v_proj", "attn_v"},
                                           {"self_attn.o_proj", "attn_output"},
                                           {"self_attn.q_norm", "attn_q_norm"},
                                           {"self_attn.k_norm", "attn_k_norm"},
                                           {"post_attention_layernorm", "ffn_norm"},
                                           {"mlp.gate_proj", "ffn_gate"},
                                           {"mlp.up_proj", "ffn_up"},
                                           {"mlp.down_proj", "ffn_down"}}};

constexpr std::string_view kLayers = "model.layers.", kBlocks = "blk.";

struct Family {
  std::string_view hugging_face, model_type, gguf;
};

constexpr std::array<Family, 4> kFamilies{{{"LlamaForCausalLM", "llama", "llama"},
                                           {"MistralForCausalLM", "mistral", "llama"},
                                           {"Qwen2ForCausalLM", "qwen2", "qwen2"},
                                           {"Qwen3ForCausalLM", "qwen3", "qwen3"}}};

using Side = std::string_view NamePair::*;

// "PREFIX.7.module.weight" → "OTHER.7.other.weight"; the number is kept as it is spelled.
std::optional<std::string> translated(std::string_view name, Side from, Side to, std::string_view from_prefix,
                                      std::string_view to_prefix) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = name.substr(dot);
  std::string_view stem = name.substr(0, dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  std::string prefix;
  if (stem.starts_with(from_prefix)) {
    stem.remove_prefix(from_prefix.size());
    const size_t end = stem.find('.');
    if (end == std::string_view::npos || end == 0 || stem.find_first_not_of("0123456789") != end) return std::nullopt;
    prefix = std::string(to_prefix) + std::string(stem.substr(0, end)) + ".";
    stem.remove_prefix(end + 1);
    for (const NamePair& pair : kBlock)
      if (pair.*from == stem) return prefix + std::string(pair.*to) + std::string(suffix);
    return std::nullopt;
  }
  for (const NamePair& pair : kOuter)
    if (pair.*from == stem) return std::string(pair.*to) + std::string(suffix);
  return std::nullopt;
}

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, where + ": " + what);
}

/// Typed reading of config.json.
template <class T>
T config_value(const Json& config, const char* key, T otherwise) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null()) return otherwise;
  try {
    return it->get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("config.json: {}: unexpected type, got {}", key, it->dump()));
  }
}

int64_t required(const Json& config, const char* key) {
  const auto value = config_value<int64_t>(config, key, 0);
  if (value < 1)
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("config.json: {} is missing or not positive", key));
  return value;
}

int64_t heads_of(const Json& config) { return required(config, "num_attention_heads"); }

int64_t key_value_heads_of(const Json& config) {
  return config_value<int64_t>(config, "num_key_value_heads", heads_of(config));
}

int64_t head_dim_of(const Json& config) {
  const auto own = config_value<int64_t>(config, "head_dim", 0);
  return own > 0 ? own : required(config, "hidden_size") / heads_of(config);
}

// transformers 5 writes rope_parameters, earlier versions rope_theta and rope_scaling.
Json rope_of(const Json& config) {
  Json rope = Json::object();
  for (const char* key : {"rope_parameters", "rope_scaling"})
    if (config.contains(key) && config[key].is_object()) rope = config[key];
  if (!rope.contains("rope_theta")) rope["rope_theta"] = config_value<double>(config, "rope_theta", 10000);
  if (!rope.contains("rope_type")) rope["rope_type"] = config_value<std::string>(rope, "type", "default");
  return rope;
}

// What llama.cpp would compute differently, or not at all.
void refuse_unsupported(const Json& config, const std::string& where) {
  const std::string rope = config_value<std::string>(rope_of(config), "rope_type", "default");
  if (rope != "default" && rope != "linear" && rope != "llama3")
    unsupported(where, "rope_type \"" + rope + "\" cannot be exported to GGUF");
  if (const auto act = config_value<std::string>(config, "hidden_act", "silu"); act != "silu")
    unsupported(where, "hidden_act \"" + act + "\" cannot be exported to GGUF");
  const auto window = config_value<int64_t>(config, "sliding_window", 0);
  const bool windowed = config_value<bool>(config, "use_sliding_window", config.contains("sliding_window"));
  if (windowed && window > 0 && window < config_value<int64_t>(config, "max_position_embeddings", 0))
    unsupported(where, fmt::format("sliding_window {} cannot be exported to GGUF", window));
}

}  // namespace

GgufArchitecture GgufArchitecture::of_config(const Json& config, const std::string& where) {
  const auto names = config.find("architectures");
  const std::string name = names != config.end() && names->is_array() && !names->empty() && names->front().is_string()
                               ? names->front().get<std::string>()
                               : "";
  const auto family =
      std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& f) { return f.hugging_face == name; });
  if (family == kFamilies.end())
    unsupported(where, "architecture \"" + name +
                           "\" cannot be exported to GGUF; expected LlamaForCausalLM, MistralForCausalLM, "
                           "Qwen2ForCausalLM or Qwen3ForCausalLM");
  refuse_unsupported(config, where);
  GgufArchitecture result;
  result.name_ = family->gguf;
  result.heads_ = heads_of(config);
  result.key_value_heads_ = key_value_heads_of(config);
  return result;
}

GgufArchitecture GgufArchitecture::of_file(const GgufFile& file) {
  GgufArchitecture result;
  result.name_ = file.text("general.architecture").value_or("");
  if (result.name_ != "llama" && result.name_ != "qwen2" && result.name_ != "qwen3")
    unsupported(file.name(), "general.architecture: expected llama, qwen2 or qwen3, got \"" + result.name_ + "\"");
  result.heads_ = file.integer(result.name_ + ".attention.head_count").value_or(0);
  result.key_value_heads_ = file.integer(result.name_ + ".attention.head_count_kv").value_or(result.heads_);
  return result;
}

std::optional<std::string> GgufArchitecture::gguf_name(std::string_view name) const {
  return translated(name, &NamePair::hugging_face, &NamePair::gguf, kLayers, kBlocks);
}

std::optional<std::string> GgufArchitecture::hugging_face_name(std::string_view name) const {
  return translated(name, &NamePair::gguf, &NamePair::hugging_face, kBlocks, kLayers);
}

int64_t GgufArchitecture::reordered_heads(std::string_view name) const {
  if (name_ != "llama") return 0;
  if (name.find(".self_attn.q_proj.") != std::string_view::npos) return heads_;
  return name.find(".self_attn.k_proj.") != std::string_view::npos ? key_value_heads_ : 0;
}

namespace {

// Row `from(half, pair)` of each head goes to `to(half, pair)`.
template <class From, class To>
void reorder(std::vector<float>& values, int64_t rows, int64_t heads, const From& from, const To& to) {
  CHECK(heads > 0 && rows % (2 * heads) == 0);
  const int64_t cols = static_cast<int64_t>(values.size()) / rows, head = rows / heads, pairs = head / 2;
  std::vector<float> result(values.size());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t pair = 0; pair < pairs; ++pair)
        std::copy_n(values.begin() + (h * head + from(half, pair, pairs)) * cols, cols,
                    result.begin() + (h * head + to(half, pair, pairs)) * cols);
  values = std::move(result);
}

int64_t apart(int64_t half, int64_t pair, int64_t pairs) { return half * pairs + pair; }
int64_t together(int64_t half, int64_t pair, int64_t) { return pair * 2 + half; }

uint32_t file_type_of(GgmlType type) {
  switch (type) {
    case GgmlType::kF32: return 0;
    case GgmlType::kF16: return 1;
    case GgmlType::kQ4_0: return 2;
    case GgmlType::kQ8_0: return 7;
    case GgmlType::kBf16: return 32;
    default: unsupported("GGUF", std::string(name_of(type)) + " cannot be written");
  }
}

}  // namespace

void interleave_rows(std::vector<float>& values, int64_t rows, int64_t heads) {
  reorder(values, rows, heads, apart, together);
}

void separate_rows(std::vector<float>& values, int64_t rows, int64_t heads) {
  reorder(values, rows, heads, together, apart);
}

GgmlType stored_type(GgmlType type, std::string_view gguf_name, const std::vector<int64_t>& shape) {
  if (shape.size() < 2) return GgmlType::kF32;
  const bool table = gguf_name == "token_embd.weight" || gguf_name == "output.weight";
  if (table && type == GgmlType::kQ4_0) type = GgmlType::kQ8_0;
  return shape.back() % layout_of(type).block_elements == 0 ? type : GgmlType::kF16;
}

void put_model_metadata(GgufWriter& writer, const GgufArchitecture& architecture, const Json& config, GgmlType type,
                        const std::string& name) {
  const auto put = [&](const char* key, int64_t value) {
    writer.set(architecture.name() + "." + key, static_cast<uint32_t>(value));
  };
  writer.set("general.architecture", architecture.name());
  writer.set("general.type", "model");
  writer.set("general.name", name);
  writer.set("general.file_type", file_type_of(type));
  writer.set("general.quantization_version", uint32_t{2});
  put("block_count", required(config, "num_hidden_layers"));
  put("context_length", required(config, "max_position_embeddings"));
  put("embedding_length", required(config, "hidden_size"));
  put("feed_forward_length", required(config, "intermediate_size"));
  put("attention.head_count", heads_of(config));
  put("attention.head_count_kv", key_value_heads_of(config));
  put("attention.key_length", head_dim_of(config));
  put("attention.value_length", head_dim_of(config));
  put("rope.dimension_count", head_dim_of(config));
  put("vocab_size", required(config, "vocab_size"));
  const Json rope = rope_of(config);
  const auto put_real = [&](const char* key, double value) {
    writer.set(architecture.name() + "." + key, static_cast<float>(value));
  };
  put_real("rope.freq_base", config_value<double>(rope, "rope_theta", 10000));
  put_real("attention.layer_norm_rms_epsilon", config_value<double>(config, "rms_norm_eps", 1e-6));
  if (config_value<std::string>(rope, "rope_type", "") == "linear") {
    writer.set(architecture.name() + ".rope.scaling.type", "linear");
    put_real("rope.scaling.factor", config_value<double>(rope, "factor", 1));
  }
}

std::vector<float> rope_factors(const Json& config) {
  const Json rope = rope_of(config);
  if (config_value<std::string>(rope, "rope_type", "") != "llama3") return {};
  const auto base = config_value<double>(rope, "rope_theta", 10000), factor = config_value<double>(rope, "factor", 8);
  const auto low = config_value<double>(rope, "low_freq_factor", 1),
             high = config_value<double>(rope, "high_freq_factor", 4);
  const auto context = config_value<double>(rope, "original_max_position_embeddings", 8192);
  const int64_t dim = head_dim_of(config);
  std::vector<float> factors;
  for (int64_t i = 0; i < dim; i += 2) {
    const double wavelength = 2 * std::numbers::pi * std::pow(base, static_cast<double>(i) / static_cast<double>(dim));
    const double smooth = std::clamp((context / wavelength - low) / (high - low), 0.0, 1.0);
    factors.push_back(static_cast<float>(1 / ((1 - smooth) / factor + smooth)));
  }
  return factors;
}

namespace {

/// Metadata under the architecture's prefix.
class OwnKeys {
 public:
  OwnKeys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}
  int64_t integer(const std::string& key) const {
    const auto value = file_.integer(prefix_ + key);
    if (!value) throw Failure(ErrorCode::kDataLoss, file_.name() + ": " + prefix_ + key + " is missing");
    return *value;
  }
  int64_t integer(const std::string& key, int64_t otherwise) const {
    return file_.integer(prefix_ + key).value_or(otherwise);
  }
  double number(const std::string& key, double otherwise) const {
    return file_.number(prefix_ + key).value_or(otherwise);
  }
  std::string text(const std::string& key) const { return file_.text(prefix_ + key).value_or(""); }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

// rope_freqs.weight comes from scalings whose parameters the file does not keep: what was one rule is only numbers
// there.
void put_rope(Json& config, const GgufFile& file, const OwnKeys& keys) {
  config["rope_theta"] = keys.number("rope.freq_base", 10000);
  const std::string type = keys.text("rope.scaling.type");
  if (file.tensor("rope_freqs.weight") != nullptr)
    unsupported(file.name(), "rope_freqs.weight (Llama 3's scaling) cannot be read back");
  if (type == "linear")
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", keys.number("rope.scaling.factor", 1)}};
  else if (!type.empty() && type != "none")
    unsupported(file.name(), "rope.scaling.type \"" + type + "\" cannot be read");
}

}  // namespace

Json hugging_face_config(const GgufFile& file) {
  const GgufArchitecture architecture = GgufArchitecture::of_file(file);
  const OwnKeys keys(file, architecture.name() + ".");
  const auto family =
      std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& f) { return f.gguf == architecture.name(); });
  const GgufTensor* table = file.tensor("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2)
    throw Failure(ErrorCode::kDataLoss, file.name() + ": tensor token_embd.weight is missing or no matrix");
  const int64_t heads = keys.integer("attention.head_count"), hidden = keys.integer("embedding_length");
  if (heads < 1) throw Failure(ErrorCode::kDataLoss, file.name() + ": attention.head_count is not positive");
  const bool bias = file.tensor("blk.0.attn_q.bias") != nullptr;
  Json config{{"architectures", Json::array({family->hugging_face})},
              {"model_type", family->model_type},
              {"vocab_size", table->shape[0]},
              {"hidden_size", hidden},
              {"intermediate_size", keys.integer("feed_forward_length")},
              {"num_hidden_layers", keys.integer("block_count")},
              {"num_attention_heads", heads},
              {"num_key_value_heads", keys.integer("attention.head_count_kv", heads)},
              {"head_dim", keys.integer("attention.key_length", hidden / heads)},
              {"max_position_embeddings", keys.integer("context_length")},
              {"rms_norm_eps", keys.number("attention.layer_norm_rms_epsilon", 1e-5)},
              {"hidden_act", "silu"},
              {"attention_bias", bias && architecture.name() == "llama"},
              {"tie_word_embeddings", file.tensor("output.weight") == nullptr},
              {"torch_dtype", "bfloat16"}};
  put_rope(config, file, keys);
  return config;
}

}  // namespace maru::formats
