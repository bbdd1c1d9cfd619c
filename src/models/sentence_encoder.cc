#include "models/sentence_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_node.h"
#include "models/encoder_files.h"
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

Pooling pooling_named(std::string_view mode, const std::string& where) {
  constexpr std::array<std::pair<std::string_view, Pooling>, 3> kKnown{
      {{"mean", Pooling::kMean}, {"cls", Pooling::kFirst}, {"lasttoken", Pooling::kLast}}};
  for (const auto& [known, pooling] : kKnown)
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

SentenceEncoder SentenceEncoder::load(const fs::path& directory, std::optional<Dtype> dtype) {
  const fs::path folder = encoder_folder(directory);
  SentenceEncoder model;
  model.encoder_ = load_encoder(folder, dtype);
  model.max_tokens_ = model.config().max_tokens();
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
    source.load(p, name, role, shape, encoder_->dtype());
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
  maru::place(device, *encoder_);
  for (SentenceDense& dense : dense_)
    for (Parameter* p : {&dense.linear.weight, &dense.linear.bias}) p->value = device.place(p->value);
}

Tensor SentenceEncoder::embed(Context& ctx, const EncoderBatch& batch) {
  Tensor x = pool(ctx, encoder_->forward(ctx, batch), batch.spans, pooling);
  for (SentenceDense& dense : dense_) {
    x = dense.linear.forward(ctx, x);
    if (dense.activation) x = activate(ctx, x, *dense.activation);
  }
  return x;
}

Tensor SentenceEncoder::classify(Context& ctx, const EncoderBatch& batch) {
  return encoder_->classify(ctx, encoder_->forward(ctx, batch), batch);
}

}  // namespace maru
