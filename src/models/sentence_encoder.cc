#include "models/sentence_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_node.h"
#include "models/registry.h"
#include "models/weight_source.h"
#include "models/weights.h"

namespace maru {
namespace {

constexpr JsonRange kWidths{.low = 1, .high = 65536};

// The last part of a Python class's path.
std::string class_name(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::optional<Activation> dense_activation(const JsonNode& path) {
  constexpr std::array<std::pair<std::string_view, Activation>, 5> kKnown{{{"Tanh", Activation::kTanh},
                                                                           {"ReLU", Activation::kRelu},
                                                                           {"GELU", Activation::kGelu},
                                                                           {"SiLU", Activation::kSilu},
                                                                           {"Sigmoid", Activation::kSigmoid}}};
  const std::string name = class_name(path.string());
  if (name == "Identity") return std::nullopt;
  for (const auto& [known, function] : kKnown)
    if (known == name) return function;
  path.unsupported("\"" + path.string() + "\"");
}

constexpr std::array<std::pair<std::string_view, Pooling>, 3> kPoolings{
    {{"mean", Pooling::kMean}, {"cls", Pooling::kFirst}, {"lasttoken", Pooling::kLast}}};

Pooling pooling_named(std::string_view mode, const std::string& where) {
  for (const auto& [known, pooling] : kPoolings)
    if (known == mode) return pooling;
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: pooling \"{}\": expected mean, cls or lasttoken", where, mode));
}

// Newer files name the mode, older ones have a flag for each: "pooling_mode_mean_tokens".
Pooling pooling_of(const JsonNode& json) {
  if (const JsonNode mode = json["pooling_mode"]; mode.is_string()) return pooling_named(mode.string(), json.where());
  std::vector<std::string> modes;
  for (const auto& [key, value] : json.members()) {
    if (!key.starts_with("pooling_mode_") || value.json() != Json(true)) continue;
    const std::string name = key.substr(std::string_view("pooling_mode_").size());
    modes.push_back(name.ends_with("_tokens")  ? name.substr(0, name.size() - 7)
                    : name.ends_with("_token") ? name.substr(0, name.size() - 6)
                                               : name);
  }
  if (modes.size() == 1) return pooling_named(modes.front(), json.where());
  throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: {} pooling modes at once ({}): expected one", json.where(),
                                                       modes.size(), fmt::join(modes, ", ")));
}

// A module's folder, which must not lead out of the model's.
fs::path folder_of(const fs::path& directory, const JsonNode& module) {
  const fs::path path = module["path"].string();
  const bool inside = path.is_relative() && std::find(path.begin(), path.end(), "..") == path.end();
  if (!inside) module["path"].fail("a folder of the model");
  return directory / path;
}

// Decoders write text, unless it is said that they make vectors, or scores.
void check_purpose(const fs::path& directory, const fs::path& folder) {
  if (fs::exists(directory / "modules.json")) return;
  const StoredConfig stored = read_stored_config(folder);
  if (!is_scorer_config(stored.json)) encoder_config_from_hugging_face(stored.json, stored.name);
}

// Where the encoder itself lies: beside modules.json, or in the folder of the first module.
fs::path encoder_folder(const fs::path& directory) {
  const fs::path path = directory / "modules.json";
  if (!fs::exists(path)) return directory;
  const Json json = read_json(path);
  const JsonNode modules(json, path.string());
  if (modules.size() == 0) modules.fail("a list of modules");
  return folder_of(directory, modules.at(0));
}

}  // namespace

std::string_view name_of(Pooling pooling) {
  for (const auto& [name, known] : kPoolings)
    if (known == pooling) return name;
  CHECK(false);
}

bool is_sentence_encoder(const fs::path& directory) {
  if (!fs::is_directory(directory)) return false;
  if (fs::exists(directory / "modules.json")) return true;
  if (!fs::exists(directory / "config.json")) return false;
  const Json config = read_json(directory / "config.json");
  return is_encoder_config(config) || is_scorer_config(config);
}

SentenceEncoder::SentenceEncoder(std::unique_ptr<TextModel> texts, Pooling how, int64_t max_tokens)
    : pooling(how), normalize(true), texts_(std::move(texts)), max_tokens_(max_tokens) {}

// The flags of 1_Pooling/config.json are those that all versions read.
void SentenceEncoder::save(const fs::path& directory) {
  CHECK(dense_.empty());
  texts_->save(directory);
  Json modules = Json::array(), flags{{"word_embedding_dimension", dimension()}, {"include_prompt", true}};
  const auto add = [&](const char* type, const std::string& path) {
    const std::string number = std::to_string(modules.size());
    modules.push_back({{"idx", modules.size()},
                       {"name", number},
                       {"path", path},
                       {"type", std::string("sentence_transformers.models.") + type}});
  };
  add("Transformer", "");
  add("Pooling", "1_Pooling");
  if (normalize) add("Normalize", "2_Normalize");
  for (const char* mode :
       {"cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"})
    flags[std::string("pooling_mode_") + mode] =
        std::string_view(mode).starts_with(name_of(pooling)) && std::string_view(mode) != "mean_sqrt_len_tokens";
  fs::create_directories(directory / "1_Pooling");
  if (normalize) fs::create_directories(directory / "2_Normalize");
  write_json(directory / "modules.json", modules);
  write_json(directory / "1_Pooling/config.json", flags);
  write_json(directory / "sentence_bert_config.json", {{"max_seq_length", max_tokens_}, {"do_lower_case", false}});
  write_json(directory / "config_sentence_transformers.json",
             {{"prompts", prompts_},
              {"default_prompt_name", default_prompt_.empty() ? Json() : Json(default_prompt_)},
              {"similarity_fn_name", "cosine"}});
}

std::optional<Pooling> stored_pooling(const fs::path& directory) {
  if (!fs::exists(directory / "modules.json")) return std::nullopt;
  const SentenceEncoder model = SentenceEncoder::load(directory);
  if (model.has_dense_layers())
    throw Failure(ErrorCode::kUnimplemented, (directory / "modules.json").string() +
                                                 ": has Dense layers behind the pooling, which cannot be trained yet");
  return model.pooling;
}

SentenceEncoder SentenceEncoder::load(const fs::path& directory, std::optional<Dtype> dtype) {
  const fs::path folder = encoder_folder(directory);
  check_purpose(directory, folder);
  SentenceEncoder model;
  model.texts_ = load_text_model(folder, dtype);
  model.max_tokens_ = model.limits().max_tokens;
  if (fs::exists(directory / "modules.json")) model.read_modules(directory);
  model.read_limits(folder);
  model.read_prompts(directory);
  return model;
}

void SentenceEncoder::read_modules(const fs::path& directory) {
  const fs::path path = directory / "modules.json";
  const Json json = read_json(path);
  const JsonNode modules(json, path.string());
  for (size_t i = 0; i < modules.size(); ++i) {
    const JsonNode module = modules.at(i);
    const std::string type = class_name(module["type"].string());
    if ((i == 0) != (type == "Transformer") || normalize || (i == 1) != (type == "Pooling"))
      throw Failure(ErrorCode::kUnimplemented,
                    module.where() +
                        ": expected Transformer, Pooling, any Dense and at most one Normalize, in this order; got " +
                        type);
    read_module(directory, type, module);
  }
}

void SentenceEncoder::read_module(const fs::path& directory, const std::string& type, const JsonNode& module) {
  if (type == "Transformer") return;
  if (type == "Normalize") {
    normalize = true;
    return;
  }
  const fs::path folder = folder_of(directory, module);
  if (type == "Pooling") return read_pooling(folder);
  if (type == "Dense") return read_dense(folder);
  module.unsupported("module " + type);
}

void SentenceEncoder::read_pooling(const fs::path& directory) {
  const JsonFile json(directory / "config.json");
  pooling = pooling_of(json.root());
  const JsonNode include = json["include_prompt"];
  if (!include.boolean(true)) include.unsupported("leaving the prompt out");
}

void SentenceEncoder::read_dense(const fs::path& directory) {
  WeightSource source(directory);
  const JsonNode json(source.config(), source.config_name());
  SentenceDense dense{.linear = {.in = json["in_features"].integer(kWidths),
                                 .out = json["out_features"].integer(kWidths),
                                 .has_bias = json["bias"].boolean(true)}};
  if (json["use_residual"].boolean(false)) json.unsupported("use_residual");
  if (dense.linear.in != dimension()) json["in_features"].fail(std::to_string(dimension()));
  dense.activation = dense_activation(json["activation_function"]);
  dense.linear.visit("linear", [&](const std::string& name, Parameter& p, Shape shape, ParameterRole role) {
    p.name = name;
    source.load(p, name, role, shape, texts_->model().dtype());
  });
  dense_.push_back(std::move(dense));
}

// What the model was trained with may be shorter than what it could read.
void SentenceEncoder::read_limits(const fs::path& directory) {
  const JsonFile json = JsonFile::optional(directory / "sentence_bert_config.json");
  max_tokens_ = std::min(max_tokens_, json["max_seq_length"].integer(max_tokens_, kWidths));
}

void SentenceEncoder::read_prompts(const fs::path& directory) {
  const JsonFile json = JsonFile::optional(directory / "config_sentence_transformers.json");
  if (const JsonNode prompts = json["prompts"]; !prompts.is_null())
    for (const auto& [name, prompt] : prompts.members()) prompts_[name] = prompt.string();
  default_prompt_ = json["default_prompt_name"].string("");
}

void SentenceEncoder::place(Device& device) {
  maru::place(device, texts_->model());
  for (SentenceDense& dense : dense_)
    for (Parameter* p : {&dense.linear.weight, &dense.linear.bias}) p->value = device.place(p->value);
}

Tensor SentenceEncoder::embed(Context& ctx, const EncoderBatch& batch) {
  Tensor x = pool(ctx, texts_->forward(ctx, batch), batch.spans, pooling);
  for (SentenceDense& dense : dense_) {
    x = dense.linear.forward(ctx, x);
    if (dense.activation) x = activate(ctx, x, *dense.activation);
  }
  return x;
}

Tensor SentenceEncoder::classify(Context& ctx, const EncoderBatch& batch) { return texts_->classify(ctx, batch); }

}  // namespace maru
