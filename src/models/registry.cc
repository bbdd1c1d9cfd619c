#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "models/families/common.h"

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
std::vector<FieldKey> keys_of(const Family& a) {
  std::vector<FieldKey> keys(a.keys.begin(), a.keys.end());
  for (const FieldKey& common : kCommonKeys)
    if (std::none_of(a.keys.begin(), a.keys.end(), [&](const FieldKey& k) { return k.field == common.field; }))
      keys.push_back(common);
  return keys;
}

void check_required(const Family& a, const HuggingFaceConfig& from) {
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

DecoderConfig read_config(const Family& a, const Json& json, const std::string& where) {
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

Json write_config(const Family& a, const DecoderConfig& c, const std::string& torch_dtype) {
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
std::vector<std::string> lost_fields(const Family& a, DecoderConfig config) {
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

[[noreturn]] void cannot_express(const Family& nearest, const std::vector<std::string>& lost) {
  throw Failure(
      ErrorCode::kUnimplemented,
      fmt::format("model: no Hugging Face architecture of this build has these features together; the nearest, "
                  "{}, lacks {}",
                  nearest.name, fmt::join(lost, ", ")));
}

}  // namespace

namespace {

const Family& find_by(std::string_view Family::*name_of, std::string_view name, const std::string& where) {
  std::vector<std::string_view> names;
  for (const Family* a : all_families()) {
    if ((a->*name_of).empty()) continue;
    if (a->*name_of == name) return *a;
    names.push_back(a->*name_of);
  }
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: architectures: expected one of {}, got \"{}\"", where, fmt::join(names, ", "), name));
}

}  // namespace

const Family& find_family(std::string_view name, const std::string& where) {
  for (const Family* a : all_families())
    if (!name.empty() && a->scorer == name)
      throw Failure(
          ErrorCode::kUnimplemented,
          fmt::format("{}: architectures: a {} scores texts, and has no head to go on with them", where, name));
  return find_by(&Family::name, name, where);
}

const Family& find_family_of_scorer(std::string_view name, const std::string& where) {
  return find_by(&Family::scorer, name, where);
}

bool is_scorer_config(const Json& config) {
  const std::string name = architecture_in(config);
  return !name.empty() && std::ranges::any_of(all_families(), [&](const Family* a) { return a->scorer == name; });
}

const Family& family_of(const DecoderConfig& config) {
  const Family* nearest = nullptr;
  std::vector<std::string> lost;
  for (const Family* a : all_families()) {
    if (!config.architecture.empty() && a->name != config.architecture) continue;
    const std::vector<std::string> lacks = lost_fields(*a, config);
    if (lacks.empty()) return *a;
    if (nearest == nullptr || lacks.size() < lost.size()) nearest = a, lost = lacks;
  }
  if (nearest == nullptr) return find_family(config.architecture, "model");
  cannot_express(*nearest, lost);
}

std::string architecture_in(const Json& config) {
  const Json names = config.value("architectures", Json());
  return names.is_array() && !names.empty() && names.front().is_string() ? names.front().get<std::string>() : "";
}

DecoderConfig config_from_hugging_face(const Json& json, const std::string& where) {
  JsonNode(json, where).object();
  return read_config(find_family(architecture_in(json), where), json, where);
}

Json config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype) {
  return write_config(family_of(config), config, torch_dtype);
}

}  // namespace maru
