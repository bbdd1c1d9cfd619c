#include "models/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "models/gguf_rope.h"
#include "models/registry.h"

namespace maru {
namespace {

constexpr std::string_view kBlocks = "blk.";

using Side = std::string_view NamePair::*;

/// One direction of a family's names.
struct Direction {
  Side from, to;
  std::string_view from_prefix, to_prefix;
  const GgufMapping& family;
};

const NamePair* find_pair(std::span<const NamePair> pairs, Side side, std::string_view stem) {
  const auto it = std::find_if(pairs.begin(), pairs.end(), [&](const NamePair& pair) { return pair.*side == stem; });
  return it == pairs.end() ? nullptr : &*it;
}

// "PREFIX.7.module.weight" → "OTHER.7.other.weight"; the number is kept as it is spelled.
std::optional<std::string> translated(std::string_view name, const Direction& d) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string suffix(name.substr(dot));
  std::string_view stem = name.substr(0, dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  if (!stem.starts_with(d.from_prefix)) {
    const NamePair* pair = find_pair(d.family.outer, d.from, stem);
    return pair != nullptr ? std::optional(std::string(pair->*d.to) + suffix) : std::nullopt;
  }
  stem.remove_prefix(d.from_prefix.size());
  const size_t end = stem.find('.');
  if (end == std::string_view::npos || end == 0 || stem.find_first_not_of("0123456789") != end) return std::nullopt;
  const NamePair* pair = find_pair(d.family.block, d.from, stem.substr(end + 1));
  if (pair == nullptr) return std::nullopt;
  return std::string(d.to_prefix) + std::string(stem.substr(0, end + 1)) + std::string(pair->*d.to) + suffix;
}

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, where + ": " + what);
}

int64_t key_value_heads_of(const Json& config) {
  return config_value<int64_t>(config, "num_key_value_heads", heads_of(config));
}

// transformers 5 writes rope_parameters (with sliding layers one for each type), earlier versions rope_theta and
// rope_scaling.
Json rope_of(const Json& config) {
  Json rope = Json::object();
  for (const char* key : {"rope_parameters", "rope_scaling"})
    if (config.contains(key) && config[key].is_object()) rope = config[key];
  if (rope.contains("full_attention") && rope["full_attention"].is_object()) rope = Json(rope["full_attention"]);
  if (!rope.contains("rope_theta")) rope["rope_theta"] = config_value<double>(config, "rope_theta", 10000);
  if (!rope.contains("rope_type")) rope["rope_type"] = config_value<std::string>(rope, "type", "default");
  return rope;
}

/// config.json with the keys that all families have, under their usual names.
Json with_common_keys(const Family& family, Json config) {
  for (const FieldKey& key : family.keys)
    if (config.contains(key.key)) config[std::string(key.field)] = config[std::string(key.key)];
  if (family.gguf.default_width > 0 && config_value<int64_t>(config, "intermediate_size", 0) == 0)
    config["intermediate_size"] = family.gguf.default_width * required_size(config, "hidden_size");
  return config;
}

/// The key of config.json for a field, where it has that one or the field's own name.
std::string_view key_of(const Family& family, std::string_view field) {
  const auto it =
      std::find_if(family.keys.begin(), family.keys.end(), [&](const FieldKey& k) { return k.field == field; });
  return it == family.keys.end() ? field : it->key;
}

// What llama.cpp would compute differently, or not at all.
void refuse_unsupported(const Family& family, const Json& config, const std::string& where) {
  const std::string rope = config_value<std::string>(rope_of(config), "rope_type", "default");
  if (rope != "default" && rope != "linear" && rope != "llama3")
    unsupported(where, "rope_type \"" + rope + "\" cannot be exported to GGUF");
  if (rope == "default" && config_value<double>(rope_of(config), "factor", 1) != 1)
    unsupported(where, "rope_scaling with a factor and without a type that uses it cannot be exported to GGUF");
  const std::string key(key_of(family, "hidden_act")), wanted(family.gguf.activation);
  if (const auto act = config_value<std::string>(config, key.c_str(), wanted); act != wanted)
    unsupported(where, key + " \"" + act + "\" cannot be exported to GGUF");
  if (family.gguf.write != nullptr) return;
  const auto window = config_value<int64_t>(config, "sliding_window", 0);
  const bool windowed = config_value<bool>(config, "use_sliding_window", config.contains("sliding_window"));
  if (windowed && window > 0 && window < config_value<int64_t>(config, "max_position_embeddings", 0))
    unsupported(where, fmt::format("sliding_window {} cannot be exported to GGUF", window));
}

/// The families that GGUF has, by one of their names.
std::string list_of(const std::function<std::string_view(const Family&)>& name_of) {
  std::string all;
  for (const Family* family : all_families()) {
    const std::string name(name_of(*family));
    if (!family->gguf.name.empty() && all.find(name + ",") == std::string::npos) all += name + ", ";
  }
  return all.substr(0, all.size() - 2);
}

const Family* family_named(std::string_view hugging_face) {
  for (const Family* family : all_families())
    if (!family->gguf.name.empty() && family->name == hugging_face) return family;
  return nullptr;
}

const Family* family_in_gguf(std::string_view gguf) {
  for (const Family* family : all_families())
    if (!gguf.empty() && family->gguf.name == gguf) return family;
  return nullptr;
}

}  // namespace

GgufArchitecture GgufArchitecture::of_config(const Json& config, const std::string& where) {
  const auto names = config.find("architectures");
  const std::string name = names != config.end() && names->is_array() && !names->empty() && names->front().is_string()
                               ? names->front().get<std::string>()
                               : "";
  GgufArchitecture result;
  result.family_ = family_named(name);
  if (result.family_ == nullptr)
    unsupported(where, "architecture \"" + name + "\" cannot be exported to GGUF; expected one of " +
                           list_of([](const Family& f) { return f.name; }));
  refuse_unsupported(*result.family_, config, where);
  const Json common = with_common_keys(*result.family_, config);
  result.name_ = result.family_->gguf.name;
  result.heads_ = heads_of(common);
  result.key_value_heads_ = key_value_heads_of(common);
  return result;
}

GgufArchitecture GgufArchitecture::of_file(const formats::GgufFile& file) {
  GgufArchitecture result;
  result.name_ = file.text("general.architecture").value_or("");
  result.family_ = family_in_gguf(result.name_);
  if (result.family_ == nullptr)
    unsupported(file.name(), "general.architecture: expected one of " +
                                 list_of([](const Family& f) { return f.gguf.name; }) + ", got \"" + result.name_ +
                                 "\"");
  result.heads_ = file.integer(result.name_ + ".attention.head_count").value_or(0);
  result.key_value_heads_ = file.integer(result.name_ + ".attention.head_count_kv").value_or(result.heads_);
  return result;
}

std::optional<std::string> GgufArchitecture::gguf_name(std::string_view name) const {
  return translated(name, {&NamePair::hugging_face, &NamePair::gguf, family_->gguf.layers, kBlocks, family_->gguf});
}

std::optional<std::string> GgufArchitecture::hugging_face_name(std::string_view name) const {
  return translated(name, {&NamePair::gguf, &NamePair::hugging_face, kBlocks, family_->gguf.layers, family_->gguf});
}

bool GgufArchitecture::has_rotary_pairs() const { return family_->gguf.neighbours; }

int64_t GgufArchitecture::reordered_heads(std::string_view name) const {
  if (!has_rotary_pairs()) return 0;
  if (name.find(".self_attn.q_proj.") != std::string_view::npos) return heads_;
  return name.find(".self_attn.k_proj.") != std::string_view::npos ? key_value_heads_ : 0;
}

double GgufArchitecture::norm_offset(std::string_view name) const {
  return name.ends_with("norm.weight") ? family_->gguf.norm_offset : 0;
}

bool GgufArchitecture::transposed(std::string_view name) const {
  return family_->gguf.transposed && name.starts_with(family_->gguf.layers) &&
         name.find(".c_") != std::string_view::npos && name.ends_with(".weight");
}

namespace {

uint32_t file_type_of(formats::GgmlType type) {
  switch (type) {
    case formats::GgmlType::kF32: return 0;
    case formats::GgmlType::kF16: return 1;
    case formats::GgmlType::kQ4_0: return 2;
    case formats::GgmlType::kQ8_0: return 7;
    case formats::GgmlType::kBf16: return 32;
    default: unsupported("GGUF", std::string(formats::name_of(type)) + " cannot be written");
  }
}

// Scalings other than these are refused by of_config, or become tensors (rope_factors).
void put_rope(const Json& config, GgufKeyWriter& keys) {
  const Json rope = rope_of(config);
  const double part =
      config_value<double>(rope, "partial_rotary_factor", config_value<double>(config, "partial_rotary_factor", 1));
  keys.integer("rope.dimension_count", static_cast<int64_t>(static_cast<double>(head_dim_of(config)) * part));
  keys.number("rope.freq_base", config_value<double>(rope, "rope_theta", 10000));
  if (config_value<std::string>(rope, "rope_type", "") != "linear") return;
  keys.text("rope.scaling.type", "linear");
  keys.number("rope.scaling.factor", config_value<double>(rope, "factor", 1));
}

}  // namespace

void interleave_rows(std::vector<float>& values, int64_t rows, int64_t heads) {
  CHECK(heads > 0 && rows % (2 * heads) == 0);
  const int64_t cols = static_cast<int64_t>(values.size()) / rows, head = rows / heads, pairs = head / 2;
  std::vector<float> result(values.size());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t pair = 0; pair < pairs; ++pair)
        std::copy_n(values.begin() + (h * head + half * pairs + pair) * cols, cols,
                    result.begin() + (h * head + 2 * pair + half) * cols);
  values = std::move(result);
}

formats::GgmlType stored_type(formats::GgmlType type, std::string_view gguf_name, const std::vector<int64_t>& shape) {
  if (shape.size() < 2) return formats::GgmlType::kF32;
  const bool table = gguf_name == "token_embd.weight" || gguf_name == "output.weight";
  if (gguf_name == "position_embd.weight") return formats::GgmlType::kF32;  // added, not multiplied
  if (table && type == formats::GgmlType::kQ4_0) type = formats::GgmlType::kQ8_0;
  return shape.back() % formats::layout_of(type).block_elements == 0 ? type : formats::GgmlType::kF16;
}

void put_model_metadata(formats::GgufWriter& writer, const GgufArchitecture& architecture, const Json& original,
                        formats::GgmlType type, const std::string& name) {
  const Family& family = architecture.family();
  const Json config = with_common_keys(family, original);
  writer.set("general.architecture", architecture.name());
  writer.set("general.type", "model");
  writer.set("general.name", name);
  writer.set("general.file_type", file_type_of(type));
  writer.set("general.quantization_version", uint32_t{2});
  GgufKeyWriter keys(writer, architecture.name() + ".");
  keys.integer("block_count", required_size(config, "num_hidden_layers"));
  keys.integer("context_length", required_size(config, "max_position_embeddings"));
  keys.integer("embedding_length", required_size(config, "hidden_size"));
  keys.integer("feed_forward_length", required_size(config, "intermediate_size"));
  keys.integer("attention.head_count", heads_of(config));
  keys.integer("attention.head_count_kv", key_value_heads_of(config));
  keys.integer("attention.key_length", head_dim_of(config));
  keys.integer("attention.value_length", head_dim_of(config));
  keys.integer("vocab_size", required_size(config, "vocab_size"));
  keys.number(family.gguf.rms_norm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
              config_value<double>(config, "rms_norm_eps", 1e-6));
  if (family.gguf.rms_norm) put_rope(config, keys);
  if (family.gguf.write != nullptr) family.gguf.write(config, keys);
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

const formats::GgufTensor& table_of(const formats::GgufFile& file) {
  const formats::GgufTensor* table = file.tensor("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2)
    throw Failure(ErrorCode::kDataLoss, file.name() + ": tensor token_embd.weight is missing or no matrix");
  return *table;
}

}  // namespace

Json hugging_face_config(const formats::GgufFile& file) {
  const GgufArchitecture architecture = GgufArchitecture::of_file(file);
  const Family& family = architecture.family();
  const GgufKeys keys(file, architecture.name() + ".");
  const formats::GgufTensor& table = table_of(file);
  const int64_t heads = keys.integer("attention.head_count"), hidden = keys.integer("embedding_length");
  if (heads < 1) throw Failure(ErrorCode::kDataLoss, file.name() + ": attention.head_count is not positive");
  const int64_t context = keys.integer("context_length");
  Json config{{"architectures", Json::array({family.name})},
              {"model_type", family.model_type},
              {"vocab_size", table.shape[0]},
              {"hidden_size", hidden},
              {"intermediate_size", keys.integer("feed_forward_length")},
              {"num_hidden_layers", keys.integer("block_count")},
              {"num_attention_heads", heads},
              {"num_key_value_heads", keys.integer("attention.head_count_kv", heads)},
              {"head_dim", keys.integer("attention.key_length", hidden / heads)},
              {"max_position_embeddings", context},
              {"rope_theta", keys.number("rope.freq_base", 10000)},
              {"hidden_act", family.gguf.activation},
              {"attention_bias", file.tensor("blk.0.attn_output.bias") != nullptr},
              {"mlp_bias", file.tensor("blk.0.ffn_down.bias") != nullptr},
              {"tie_word_embeddings", file.tensor("output.weight") == nullptr},
              {"torch_dtype", table.type == formats::GgmlType::kF32 ? "float32" : "bfloat16"}};
  config["rms_norm_eps"] =
      keys.number(family.gguf.rms_norm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", 1e-5);
  read_rope(keys, family, config);
  if (family.gguf.read != nullptr) family.gguf.read(keys, config);
  for (const FieldKey& key : family.keys) {
    if (key.key == key.field || !config.contains(key.field)) continue;
    config[std::string(key.key)] = config[std::string(key.field)];
    config.erase(std::string(key.field));
  }
  return config;
}

}  // namespace maru
