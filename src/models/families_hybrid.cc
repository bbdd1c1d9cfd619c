// Families whose layers differ: EXAONE 4, Gemma 2 and 3; and Phi-3, whose context comes in two lengths.
#include <algorithm>
#include <cmath>

#include "models/families.h"

namespace maru::families {
namespace {

Json or_null(double value) { return value != 0 ? Json(value) : Json(); }

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

void read_layers(const HuggingFaceConfig& from, Json& fields) {
  fields["sliding_window"] = from.get<int64_t>("sliding_window", 0);
  fields["layer_types"] = from.has("layer_types") ? from.at("layer_types")
                                                  : Json(layers_of_pattern(from, from.at("sliding_window_pattern")));
}

void write_layers(const DecoderConfig& from, Json& config) {
  config["sliding_window"] = from.sliding_window > 0 ? Json(from.sliding_window) : Json();
  config["layer_types"] = full_layer_types(from);
}

void read_gemma(const HuggingFaceConfig& from, Json& fields) {
  read_layers(from, fields);
  fields["embedding_multiplier"] = std::sqrt(from.get<double>("hidden_size", 0));
  fields["attention_multiplier"] = 1 / std::sqrt(from.get<double>("query_pre_attn_scalar", 256));
  fields["final_logit_softcapping"] = from.get<double>("final_logit_softcapping", 0);
}

void write_gemma(const DecoderConfig& from, Json& config) {
  write_layers(from, config);
  const double scalar = 1 / (from.attention_scale() * from.attention_scale()), whole = std::round(scalar);
  config["query_pre_attn_scalar"] =
      std::abs(scalar - whole) < 1e-9 * whole ? Json(static_cast<int64_t>(whole)) : Json(scalar);
  config["final_logit_softcapping"] = or_null(from.final_logit_softcapping);
}

}  // namespace

void read_exaone4(const HuggingFaceConfig& from, Json& fields) {
  if (!from.has("sliding_window")) return;
  read_layers(from, fields);
  fields["rope_on_full_attention"] = false;
}

void write_exaone4(const DecoderConfig& from, Json& config) { write_layers(from, config); }

void read_gemma2(const HuggingFaceConfig& from, Json& fields) {
  read_gemma(from, fields);
  fields["attn_logit_softcapping"] = from.get<double>("attn_logit_softcapping", 0);
}

void write_gemma2(const DecoderConfig& from, Json& config) {
  write_gemma(from, config);
  config["attn_logit_softcapping"] = or_null(from.attn_logit_softcapping);
}

void read_gemma3(const HuggingFaceConfig& from, Json& fields) {
  read_gemma(from, fields);
  fields["rope_local_base_freq"] = from.at("rope_local_base_freq");
  const Json& all = from.at("rope_parameters");
  if (!all.is_object() || !all.contains("sliding_attention") || !all["sliding_attention"].is_object()) return;
  const Json& local = all["sliding_attention"];
  if (local.value("rope_type", Json("default")) != "default")
    from.refuse("rope_parameters.sliding_attention: expected rope_type default, got " + local["rope_type"].dump());
  if (local.contains("rope_theta")) fields["rope_local_base_freq"] = local["rope_theta"];
}

void write_gemma3(const DecoderConfig& from, Json& config) {
  write_gemma(from, config);
  config["rope_local_base_freq"] = from.rope_local_base_freq;
}

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

}  // namespace maru::families
