#include "models/families/common.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace maru::families {
namespace {

bool is_stretched(const std::string& type) { return type == "yarn" || type == "llama3" || type == "longrope"; }

/// `rope_parameters` (transformers 5; with sliding layers maybe one for each type) or `rope_scaling` (before).
JsonNode rope_node(const HuggingFaceConfig& from) {
  const JsonNode rope = from[from.has("rope_parameters") ? "rope_parameters" : "rope_scaling"];
  const JsonNode full = rope["full_attention"];
  return full.is_object() ? full : rope;
}

std::string rope_type(const HuggingFaceConfig& from, const JsonNode& rope) {
  static constexpr std::array<std::string_view, 6> kKnown{"default", "linear", "dynamic", "yarn", "llama3", "longrope"};
  const std::string name = rope["rope_type"].string(rope["type"].string("default"));
  if (name == "su") return "longrope";  // its name in the first Phi-3 models
  if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
    from.refuse("rope_scaling of type \"" + name + "\" is not supported");
  return name;
}

void copy_scaling(const HuggingFaceConfig& from, const JsonNode& rope, Json& scaling) {
  const std::vector<std::string_view> known = detail::names_of<RopeScaling>();
  static constexpr std::array<std::string_view, 5> kElsewhere{"type", "rope_type", "rope_theta",
                                                              "partial_rotary_factor", "finetuned"};
  for (const auto& item : rope.json().items()) {
    if (item.value().is_null() || std::find(kElsewhere.begin(), kElsewhere.end(), item.key()) != kElsewhere.end())
      continue;
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      from.refuse("rope_scaling." + item.key() + " is not supported");
    scaling[item.key()] = item.value();
  }
}

/// Without a type nothing says how to scale; the type "default" does not.
void refuse_ignored(const HuggingFaceConfig& from, const JsonNode& rope) {
  const bool named = !rope["rope_type"].is_null() || !rope["type"].is_null();
  for (const char* key : {"factor", "short_factor", "long_factor", "attention_factor"}) {
    const JsonNode value = rope[key];
    if (value.is_null() || value.json() == 1) continue;
    from.refuse(std::string("rope_scaling.") + key +
                (named ? " is not used by the type \"default\"" : " without a rope_type is not supported"));
  }
}

/// The context before stretching, and by how much it was stretched, where the file leaves them to be inferred.
void infer_stretch(const HuggingFaceConfig& from, const std::string& type, Json& scaling) {
  const int64_t context = from.get<int64_t>("max_position_embeddings", 0);
  const bool beside = is_stretched(type) && from.has("original_max_position_embeddings");
  if (type == "dynamic") scaling["original_max_position_embeddings"] = context;
  if (beside) scaling["original_max_position_embeddings"] = from.get<int64_t>("original_max_position_embeddings", 0);
  if (is_stretched(type) && !scaling.contains("original_max_position_embeddings"))
    scaling["original_max_position_embeddings"] = context;
  const Json original = scaling.value("original_max_position_embeddings", Json());
  if (type == "linear") scaling.erase("original_max_position_embeddings");
  if (is_stretched(type) && !scaling.contains("factor") && original.is_number() && original.get<double>() > 0)
    scaling["factor"] = static_cast<double>(context) / original.get<double>();
}

void keep(Json& to, const Json& scaling, std::initializer_list<const char*> keys) {
  for (const char* key : keys) to[key] = scaling.at(key);
}

Json scaling_json(const RopeScaling& s) {
  const Json all = to_json(s);
  Json rope{{"rope_type", s.rope_type}, {"factor", s.factor}};
  if (is_stretched(s.rope_type)) keep(rope, all, {"original_max_position_embeddings"});
  if (s.rope_type == "llama3") keep(rope, all, {"low_freq_factor", "high_freq_factor"});
  if (s.rope_type == "yarn") keep(rope, all, {"beta_fast", "beta_slow", "truncate"});
  if (s.rope_type == "longrope") keep(rope, all, {"short_factor", "long_factor"});
  for (const char* key : {"attention_factor", "mscale", "mscale_all_dim"})
    if (all.at(key) != 0) rope[key] = all.at(key);
  return rope;
}

/// A number, or letters that repeat: "LLLG".
std::vector<std::string> layers_of_pattern(const HuggingFaceConfig& from, const Json& pattern) {
  if (pattern.is_number_integer())
    return periodic_layers(num_layers(from), std::max<int64_t>(0, pattern.get<int64_t>()));
  const std::string letters = pattern.is_string() ? pattern.get<std::string>() : "";
  if (letters.empty() || letters.find_first_not_of("LG") != std::string::npos)
    from.refuse("sliding_window_pattern: expected a number or letters L and G, got " + pattern.dump());
  std::vector<std::string> types;
  for (int64_t i = 0; i < num_layers(from); ++i)
    types.emplace_back(letters[static_cast<size_t>(i) % letters.size()] == 'L' ? "sliding_attention"
                                                                               : "full_attention");
  return types;
}

}  // namespace

void read_rope(const HuggingFaceConfig& from, Json& fields) {
  const JsonNode rope = rope_node(from);
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) {
    if (from.has(key)) fields[key] = from.at(key);
    if (!rope[key].is_null()) fields[key] = rope[key].json();
  }
  const std::string type = rope_type(from, rope);
  Json scaling{{"rope_type", type}};
  copy_scaling(from, rope, scaling);
  if (type != "default") {
    infer_stretch(from, type, scaling);
  } else {
    refuse_ignored(from, rope);
    scaling = {{"rope_type", type}};
  }
  fields["rope_scaling"] = scaling;
}

void write_rope(const DecoderConfig& from, Json& config) {
  config["rope_theta"] = from.rope_theta;
  config["rope_scaling"] = from.rope_scaling.rope_type == "default" ? Json() : scaling_json(from.rope_scaling);
  if (from.partial_rotary_factor != 1) config["partial_rotary_factor"] = from.partial_rotary_factor;
}

std::vector<std::string> full_layer_types(const DecoderConfig& config) {
  std::vector<std::string> types;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    types.emplace_back(config.is_sliding(i) ? "sliding_attention" : "full_attention");
  return types;
}

int64_t num_layers(const HuggingFaceConfig& from) {
  constexpr int64_t kMost = 1024;  // more are refused when the fields are read
  return std::clamp<int64_t>(from.get<int64_t>("num_hidden_layers", 0), 0, kMost);
}

std::vector<std::string> periodic_layers(int64_t num_layers, int64_t period) {
  std::vector<std::string> types;
  for (int64_t i = 0; i < num_layers; ++i)
    types.emplace_back(period == 0 || (i + 1) % period == 0 ? "full_attention" : "sliding_attention");
  return types;
}

void read_window(const HuggingFaceConfig& from, Json& fields) {
  if (from.has("layer_types")) from.refuse("layer_types are not supported in this architecture");
  fields["sliding_window"] = from.get<int64_t>("sliding_window", 0);
}

void write_window(const DecoderConfig& from, Json& config) {
  config["sliding_window"] = from.sliding_window > 0 ? Json(from.sliding_window) : Json();
}

void read_layers(const HuggingFaceConfig& from, Json& fields) {
  fields["sliding_window"] = from.get<int64_t>("sliding_window", 0);
  fields["layer_types"] = from.has("layer_types") ? from.at("layer_types")
                                                  : Json(layers_of_pattern(from, from.at("sliding_window_pattern")));
}

void write_layers(const DecoderConfig& from, Json& config) {
  config["sliding_window"] = from.sliding_window > 0 ? Json(from.sliding_window) : Json();
  config["layer_types"] = full_layer_types(from);
}

void forget_heads(Json& config) {
  config.erase("head_dim");
  config.erase("num_key_value_heads");
}

void cannot_write(const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, "config.json: " + what + " cannot be exported to GGUF");
}

void require_period(const DecoderConfig& config, int64_t period) {
  for (int64_t i = 0; i < config.num_hidden_layers && config.sliding_window > 0; ++i)
    if (config.is_sliding(i) != ((i + 1) % period != 0))
      cannot_write("layer_types other than every " + std::to_string(period) + "th full");
}

}  // namespace maru::families
