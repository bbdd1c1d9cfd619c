#include "models/encoder_config.h"

#include <fmt/format.h>

#include "models/config.h"
#include "models/encoder_family.h"

namespace maru {
namespace {

constexpr std::string_view kClassifier = "ForSequenceClassification";

/// The family whose class this is, and nothing if it is none of ours.
const EncoderFamily* find_family(const std::string& architecture) {
  for (const EncoderFamily& family : encoder_families())
    for (std::string_view suffix : {std::string_view("Model"), std::string_view("ForMaskedLM"), kClassifier})
      if (architecture == std::string(family.class_prefix) + std::string(suffix)) return &family;
  return nullptr;
}

const EncoderFamily& require_family(const JsonNode& json) {
  const std::string architecture = architecture_in(json.json());
  if (const EncoderFamily* family = find_family(architecture)) return *family;
  std::string known;
  const auto all = encoder_families();
  for (const EncoderFamily& family : all)
    known += fmt::format("{}{}Model", known.empty() ? "" : &family == &all.back() ? " or " : ", ", family.class_prefix);
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: architectures: expected {}, or one of their ForMaskedLM or {} classes, "
                            "got \"{}\"",
                            json.where(), known, kClassifier, architecture));
}

// Features that would change the numbers if they were ignored.
void refuse_unsupported(const JsonNode& json) {
  for (const char* key : {"is_decoder", "add_cross_attention"})
    if (json[key].boolean(false)) json.unsupported(std::string(key) + " in an encoder");
  const JsonNode kind = json["position_embedding_type"], activation = json["hidden_act"];
  if (kind.string("absolute") != "absolute")
    throw Failure(ErrorCode::kUnimplemented, kind.where() + ": expected absolute, got \"" + kind.string() + "\"");
  if (!activation_named(activation.string("gelu"))) activation.unsupported("\"" + activation.string() + "\"");
}

int64_t count_labels(const JsonNode& json) {
  const JsonNode labels = json["id2label"];
  if (labels.is_object() && !labels.json().empty()) return static_cast<int64_t>(labels.json().size());
  return json["num_labels"].integer(2);
}

// sentence-transformers' CrossEncoder: the activation that the model names, else a sigmoid if there is one label.
bool wants_sigmoid(const JsonNode& json, int64_t num_labels) {
  const JsonNode own = json["sentence_transformers"], usual = json["sbert_ce_default_activation_function"];
  const std::string name = own["activation_fn"].string(usual.string(""));
  if (name.empty()) return num_labels == 1;
  if (name.ends_with(".Sigmoid")) return true;
  if (name.ends_with(".Identity")) return false;
  throw Failure(ErrorCode::kUnimplemented,
                json.where() + ": the score's activation: expected Sigmoid or Identity, got " + name);
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

int64_t count_parameters(const EncoderConfig& c) {
  const int64_t tables = (c.vocab_size + c.max_position_embeddings + c.type_vocab_size + 2) * c.hidden_size;
  const int64_t attention = 4 * c.hidden_size * (c.hidden_size + 1), norms = 4 * c.hidden_size;
  const int64_t mlp = 2 * c.hidden_size * c.intermediate_size + c.intermediate_size + c.hidden_size;
  return tables + c.num_hidden_layers * (attention + norms + mlp);
}

// As of a decoder: six for each weight of a matrix, and attention's two products, three times each.
double training_flops_per_token(const EncoderConfig& c, double context) {
  const auto width = static_cast<double>(c.hidden_size);
  const double weights = 4 * width * width + 2 * width * static_cast<double>(c.intermediate_size);
  return static_cast<double>(c.num_hidden_layers) * (6 * weights + 12 * width * context);
}

bool is_encoder_config(const Json& json) { return find_family(architecture_in(json)) != nullptr; }

namespace {

const EncoderFamily& family_of(const Json& config) {
  const EncoderFamily* family = find_family(architecture_in(config));
  CHECK(family != nullptr);
  return *family;
}

}  // namespace

Json encoder_config_to_hugging_face(Json config, const std::string& torch_dtype) {
  const std::string architecture = architecture_in(config);
  if (!architecture.ends_with(kClassifier))
    config["architectures"] = Json::array({std::string(family_of(config).class_prefix) + "Model"});
  config.erase("dtype");
  config["torch_dtype"] = torch_dtype;
  return config;
}

Json reranker_config_to_hugging_face(Json config) {
  config["architectures"] = Json::array({std::string(family_of(config).class_prefix) + std::string(kClassifier)});
  config["id2label"] = {{"0", "LABEL_0"}};
  config["label2id"] = {{"LABEL_0", 0}};
  return config;
}

std::string_view encoder_tensor_prefix(const Json& config) { return family_of(config).tensor_prefix; }

EncoderConfig encoder_config_from_hugging_face(const Json& config, const std::string& where) {
  const JsonNode json = JsonNode(config, where).object();
  const EncoderFamily& family = require_family(json);
  refuse_unsupported(json);
  Json own{{"layer_norm_eps", family.layer_norm_eps}};
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"})
    own[key] = json[key].integer();
  for (const char* key : {"max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act"})
    if (const JsonNode value = json[key]; !value.is_null()) own[key] = value.json();
  if (family.positions_after_padding)
    own["position_offset"] = json["pad_token_id"].integer(family.pad_token_id, {.low = -1, .high = 1 << 30}) + 1;
  if (architecture_in(config).ends_with(kClassifier)) {
    const int64_t num_labels = count_labels(json);
    own["num_labels"] = num_labels;
    own["classifier_layout"] = family.classifier_layout;
    own["sigmoid_score"] = wants_sigmoid(json, num_labels);
  }
  const auto read = from_json<EncoderConfig>(own, where);
  check(read, where);
  return read;
}

}  // namespace maru
