#include "models/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "models/gguf_rope.h"
#include "models/registry.h"

namespace maru {
namespace {

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, where + ": " + what);
}

std::optional<int64_t> number_in(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || digits.front() == '-' || error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

/// GGUF's side of the pair for a module or tensor.
std::optional<GgufPlace> find_pair(std::span<const NamePair> pairs, std::string_view name) {
  for (const NamePair& pair : pairs) {
    const size_t star = pair.hugging_face.find('*');
    if (star == std::string_view::npos) {
      if (pair.hugging_face == name) return GgufPlace{std::string(pair.gguf)};
      continue;
    }
    const std::string_view before = pair.hugging_face.substr(0, star), after = pair.hugging_face.substr(star + 1);
    if (name.size() < before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after)) continue;
    if (const auto expert = number_in(name.substr(star, name.size() - before.size() - after.size())))
      return GgufPlace{std::string(pair.gguf), *expert};
  }
  return std::nullopt;
}

/// The same for a tensor, whose module may be what the pairs name.
std::optional<GgufPlace> find_tensor(std::span<const NamePair> pairs, std::string_view name) {
  const auto is_whole = [](std::string_view n) { return n.ends_with(".weight") || n.ends_with(".bias"); };
  if (auto whole = find_pair(pairs, name); whole && is_whole(whole->tensor)) return whole;
  if (!is_whole(name)) return std::nullopt;
  const size_t dot = name.rfind('.');
  const std::string_view suffix = name.substr(dot);
  auto place = find_pair(pairs, name.substr(0, dot));
  if (place) place->tensor += suffix;
  return place;
}

// "PREFIX.7.module.weight" → "blk.7.other.weight"; the number is kept as it is spelled.
std::optional<GgufPlace> translated(std::string_view name, const GgufMapping& m) {
  if (!name.starts_with(m.layers)) return find_tensor(m.outer, name);
  const std::string_view in_layers = name.substr(m.layers.size());
  const size_t end = in_layers.find('.');
  if (end == std::string_view::npos || !number_in(in_layers.substr(0, end))) return std::nullopt;
  auto place = find_tensor(m.block, in_layers.substr(end + 1));
  if (place) place->tensor = "blk." + std::string(in_layers.substr(0, end + 1)) + place->tensor;
  return place;
}

/// The key of config.json for a field: its own name, or the family's.
std::string_view key_of(const Family& family, std::string_view field) {
  const auto it =
      std::find_if(family.keys.begin(), family.keys.end(), [&](const FieldKey& k) { return k.field == field; });
  return it == family.keys.end() ? field : it->key;
}

// llama.cpp reads YaRN's other numbers for few architectures.
void refuse_unusual_yarn(const RopeScaling& s, const std::string& where) {
  const RopeScaling usual;
  if (s.beta_fast != usual.beta_fast || s.beta_slow != usual.beta_slow || !s.truncate)
    unsupported(where, "beta_fast, beta_slow and truncate of rope_type \"yarn\" cannot be exported to GGUF");
}

// What llama.cpp would compute differently, or not at all.
void refuse_unsupported(const Family& family, const DecoderConfig& c, const std::string& where) {
  const std::string& rope = c.rope_scaling.rope_type;
  if (rope == "dynamic" || (rope == "longrope" && !family.gguf.longrope))
    unsupported(where, "rope_type \"" + rope + "\" cannot be exported to GGUF");
  if (rope == "yarn") refuse_unusual_yarn(c.rope_scaling, where);
  if (c.hidden_act != family.gguf.activation)
    unsupported(where, fmt::format("{} \"{}\" cannot be exported to GGUF", key_of(family, "hidden_act"), c.hidden_act));
  if (!family.gguf.windows && c.sliding_window > 0 && c.sliding_window < c.max_position_embeddings)
    unsupported(where, fmt::format("sliding_window {} cannot be exported to GGUF", c.sliding_window));
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

/// Two may have one name, one of them with experts.
const Family* family_in_gguf(std::string_view gguf, bool experts) {
  for (const Family* family : all_families())
    if (!gguf.empty() && family->gguf.name == gguf && family->gguf.experts == experts) return family;
  return nullptr;
}

}  // namespace

GgufArchitecture GgufArchitecture::of_config(const DecoderConfig& config, const std::string& where) {
  GgufArchitecture result;
  result.family_ = family_named(config.architecture);
  if (result.family_ == nullptr)
    unsupported(where, "architecture \"" + config.architecture + "\" cannot be exported to GGUF; expected one of " +
                           list_of([](const Family& f) { return f.name; }));
  refuse_unsupported(*result.family_, config, where);
  result.name_ = result.family_->gguf.name;
  result.heads_ = config.num_attention_heads;
  result.key_value_heads_ = config.num_key_value_heads;
  result.experts_ = config.num_experts;
  return result;
}

GgufArchitecture GgufArchitecture::of_file(const formats::GgufFile& file) {
  GgufArchitecture result;
  result.name_ = file.text("general.architecture").value_or("");
  result.experts_ = file.integer(result.name_ + ".expert_count").value_or(0);
  result.family_ = family_in_gguf(result.name_, result.experts_ > 0);
  if (result.family_ == nullptr)
    unsupported(file.name(), "general.architecture: expected one of " +
                                 list_of([](const Family& f) { return f.gguf.name; }) + ", got \"" + result.name_ +
                                 "\"" + (result.experts_ > 0 ? " with experts" : ""));
  result.heads_ = file.integer(result.name_ + ".attention.head_count").value_or(0);
  result.key_value_heads_ = file.integer(result.name_ + ".attention.head_count_kv").value_or(result.heads_);
  return result;
}

std::optional<GgufPlace> GgufArchitecture::place(const std::string& name) const {
  const GgufMapping& m = family_->gguf;
  auto place = translated(name, m);
  return place ? place : translated(std::string(m.layers.substr(0, m.layers.find('.') + 1)) + name, m);
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

void stack_parts(std::vector<float>& values, int64_t rows, int64_t heads, int64_t parts) {
  CHECK(heads > 0 && parts > 0 && rows % (heads * parts) == 0);
  const int64_t run = static_cast<int64_t>(values.size()) / (heads * parts);
  std::vector<float> result(values.size());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t part = 0; part < parts; ++part)
      std::copy_n(values.begin() + (h * parts + part) * run, run, result.begin() + (part * heads + h) * run);
  values = std::move(result);
}

formats::GgmlType stored_type(formats::GgmlType type, std::string_view gguf_name, const std::vector<int64_t>& shape) {
  if (shape.size() < 2) return formats::GgmlType::kF32;
  const bool table = gguf_name == "token_embd.weight" || gguf_name == "output.weight";
  if (gguf_name == "position_embd.weight") return formats::GgmlType::kF32;          // added, not multiplied
  if (gguf_name.ends_with(".ffn_gate_inp.weight")) return formats::GgmlType::kF32;  // a choice hangs on it
  if (table && type == formats::GgmlType::kQ4_0) type = formats::GgmlType::kQ8_0;
  return shape.back() % formats::layout_of(type).block_elements == 0 ? type : formats::GgmlType::kF16;
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

double magnitude_of(const DecoderConfig& c) {
  return rope_frequencies(c.rope_scaling, c.rope_theta, c.rotary_dim(), c.max_position_embeddings).magnitude;
}

// Scalings other than these are refused by of_config, or become tensors alone.
void put_rope(const DecoderConfig& c, GgufKeyWriter& keys) {
  const RopeScaling& s = c.rope_scaling;
  keys.integer("rope.dimension_count", c.rotary_dim());
  keys.number("rope.freq_base", c.rope_theta);
  if (s.rope_type == "linear" || s.rope_type == "yarn") {
    keys.text("rope.scaling.type", s.rope_type);
    keys.number("rope.scaling.factor", s.factor);
  }
  const bool yarn = s.rope_type == "yarn";
  if (!yarn && s.rope_type != "longrope") return;
  keys.integer("rope.scaling.original_context_length", s.original_max_position_embeddings);
  const double own = yarn && s.factor > 1 ? 0.1 * std::log(s.factor) + 1 : 1;  // llama.cpp multiplies by it anyway
  if (const double more = magnitude_of(c) / own; more != 1) keys.number("rope.scaling.attn_factor", more);
}

void put_experts(const DecoderConfig& c, GgufKeyWriter& keys) {
  keys.integer("expert_count", c.num_experts);
  keys.integer("expert_used_count", c.num_experts_per_tok);
  keys.integer("expert_feed_forward_length", c.moe_intermediate_size);
}

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace

void put_model_metadata(formats::GgufWriter& writer, const GgufArchitecture& architecture, const DecoderConfig& c,
                        formats::GgmlType type, const std::string& name) {
  const GgufMapping& family = architecture.family().gguf;
  writer.set("general.architecture", architecture.name());
  writer.set("general.type", "model");
  writer.set("general.name", name);
  writer.set("general.file_type", file_type_of(type));
  writer.set("general.quantization_version", uint32_t{2});
  GgufKeyWriter keys(writer, architecture.name() + ".");
  keys.integer("block_count", c.num_hidden_layers);
  keys.integer("context_length", c.max_position_embeddings);
  keys.integer("embedding_length", c.hidden_size);
  keys.integer("feed_forward_length", c.intermediate_size);
  keys.integer("attention.head_count", c.num_attention_heads);
  keys.integer("attention.head_count_kv", c.num_key_value_heads);
  keys.integer("attention.key_length", c.head_dim);
  keys.integer("attention.value_length", c.head_dim);
  keys.integer("vocab_size", c.vocab_size);
  keys.number(family.rms_norm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", c.rms_norm_eps);
  if (family.rotary) put_rope(c, keys);
  if (family.experts) put_experts(c, keys);
  if (family.write != nullptr) family.write(c, keys);
}

std::vector<RopeTensor> rope_tensors(const DecoderConfig& c) {
  const RopeScaling& s = c.rope_scaling;
  if (s.rope_type == "longrope")
    return {{"rope_factors_long.weight", floats(s.long_factor)}, {"rope_factors_short.weight", floats(s.short_factor)}};
  if (s.rope_type != "llama3") return {};
  const auto of = [&](const RopeScaling& scaling) {
    return rope_frequencies(scaling, c.rope_theta, c.rotary_dim(), c.max_position_embeddings).frequencies;
  };
  const std::vector<double> plain = of({}), scaled = of(s);
  RopeTensor tensor{"rope_freqs.weight", {}};
  for (size_t i = 0; i < plain.size(); ++i) tensor.factors.push_back(static_cast<float>(plain[i] / scaled[i]));
  return {tensor};
}

namespace {

const formats::GgufTensor& table_of(const formats::GgufFile& file) {
  const formats::GgufTensor* table = file.tensor("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2)
    throw Failure(ErrorCode::kDataLoss, file.name() + ": tensor token_embd.weight is missing or no matrix");
  return *table;
}

void read_experts(const GgufKeys& keys, Json& config) {
  config["num_experts"] = keys.integer("expert_count");
  config["num_experts_per_tok"] = keys.integer("expert_used_count");
  config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length", keys.integer("feed_forward_length"));
}

/// Keys under their usual names become those of the family.
void rename_keys(const Family& family, Json& config) {
  for (const FieldKey& key : family.keys) {
    if (key.key == key.field || !config.contains(key.field)) continue;
    config[std::string(key.key)] = config[std::string(key.field)];
    config.erase(std::string(key.field));
  }
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
  if (family.gguf.experts) read_experts(keys, config);
  if (family.gguf.read != nullptr) family.gguf.read(keys, config);
  rename_keys(family, config);
  return config;
}

}  // namespace maru
