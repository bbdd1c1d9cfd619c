#include "models/encoder_config.h"

#include <fmt/format.h>

#include "models/encoder_family.h"

namespace maru {
namespace {

constexpr std::string_view kClassifier = "ForSequenceClassification";

std::string architecture_of(const Json& json) {
  const auto it = json.find("architectures");
  const bool named = it != json.end() && it->is_array() && !it->empty() && it->front().is_string();
  return named ? it->front().get<std::string>() : "";
}

/// The family whose class this is, and nothing if it is none of ours.
const EncoderFamily* find_family(const std::string& architecture) {
  for (const EncoderFamily& family : encoder_families())
    for (std::string_view suffix : {std::string_view("Model"), std::string_view("ForMaskedLM"), kClassifier})
      if (architecture == std::string(family.class_prefix) + std::string(suffix)) return &family;
  return nullptr;
}

const EncoderFamily& require_family(const Json& json, const std::string& where) {
  const std::string architecture = architecture_of(json);
  if (const EncoderFamily* family = find_family(architecture)) return *family;
  std::string known;
  const auto all = encoder_families();
  for (const EncoderFamily& family : all)
    known += fmt::format("{}{}Model", known.empty() ? "" : &family == &all.back() ? " or " : ", ", family.class_prefix);
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: architectures: expected {}, or one of their ForMaskedLM or {} classes, "
                            "got \"{}\"",
                            where, known, kClassifier, architecture));
}

// A key of config.json, or the default.
template <class T>
T get(const Json& json, std::string_view key, T otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it != json.end() && !it->is_null())
    detail::read(otherwise, *it, where + ": " + std::string(key), {-1e18, 1e18, {}});
  return otherwise;
}

// Features that would change the numbers if they were ignored.
void refuse_unsupported(const Json& json, const std::string& where) {
  for (const char* key : {"is_decoder", "add_cross_attention"})
    if (get<bool>(json, key, false, where))
      throw Failure(ErrorCode::kUnimplemented, where + ": " + key + " is not supported in an encoder");
  const auto kind = get<std::string>(json, "position_embedding_type", "absolute", where);
  if (kind != "absolute")
    throw Failure(ErrorCode::kUnimplemented,
                  where + ": position_embedding_type: expected absolute, got \"" + kind + "\"");
  const auto activation = get<std::string>(json, "hidden_act", "gelu", where);
  if (!activation_named(activation))
    throw Failure(ErrorCode::kUnimplemented, where + ": hidden_act: \"" + activation + "\" is not supported");
}

int64_t count_labels(const Json& json, const std::string& where) {
  const auto labels = json.find("id2label");
  if (labels != json.end() && labels->is_object() && !labels->empty()) return static_cast<int64_t>(labels->size());
  return get<int64_t>(json, "num_labels", 2, where);
}

// sentence-transformers' CrossEncoder: the activation that the model names, else a sigmoid if there is one label.
bool wants_sigmoid(const Json& json, int64_t num_labels, const std::string& where) {
  auto name = get<std::string>(json, "sbert_ce_default_activation_function", "", where);
  if (const auto own = json.find("sentence_transformers"); own != json.end() && own->is_object())
    name = get<std::string>(*own, "activation_fn", name, where + ": sentence_transformers");
  if (name.empty()) return num_labels == 1;
  if (name.ends_with(".Sigmoid")) return true;
  if (name.ends_with(".Identity")) return false;
  throw Failure(ErrorCode::kUnimplemented,
                where + ": the score's activation: expected Sigmoid or Identity, got " + name);
}

void check(const EncoderConfig& c, const std::string& where) {
  const auto misfit = [&](const std::string& message) {
    throw Failure(ErrorCode::kInvalidArgument, where + ": " + message);
  };
  if (c.hidden_size % c.num_attention_heads != 0)
    misfit(fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size,
                       c.num_attention_heads));
  if (c.head_dim() > 256) misfit(fmt::format("heads are {} wide, expected at most 256", c.head_dim()));
  if (c.max_tokens() < 1)
    misfit(fmt::format("max_position_embeddings {} leaves no position: the first is {}", c.max_position_embeddings,
                       c.position_offset));
}

}  // namespace

Activation EncoderConfig::activation() const {
  const auto known = activation_named(hidden_act);
  CHECK(known);
  return *known;
}

EncoderConfig encoder_config_from_hugging_face(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, where + ": expected a JSON object");
  const EncoderFamily& family = require_family(json, where);
  refuse_unsupported(json, where);
  Json own{{"layer_norm_eps", family.layer_norm_eps}};
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    if (!json.contains(key)) throw Failure(ErrorCode::kInvalidArgument, where + ": " + key + " is missing");
    own[key] = json[key];
  }
  for (const char* key : {"max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act"})
    if (const auto it = json.find(key); it != json.end() && !it->is_null()) own[key] = *it;
  if (family.positions_after_padding)
    own["position_offset"] = get<int64_t>(json, "pad_token_id", family.pad_token_id, where) + 1;
  if (architecture_of(json).ends_with(kClassifier)) {
    own["num_labels"] = count_labels(json, where);
    own["classifier_layout"] = family.classifier_layout;
    own["sigmoid_score"] = wants_sigmoid(json, own["num_labels"].get<int64_t>(), where);
  }
  const auto config = from_json<EncoderConfig>(own, where);
  check(config, where);
  return config;
}

}  // namespace maru
