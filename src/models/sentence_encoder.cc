#include "models/sentence_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "models/encoder_files.h"
#include "models/weight_source.h"
#include "models/weights.h"

namespace maru {
namespace {

// The last part of a Python class's path.
std::string class_name(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::optional<Activation> dense_activation(const std::string& path, const std::string& where) {
  constexpr std::array<std::pair<std::string_view, Activation>, 5> kKnown{{{"Tanh", Activation::kTanh},
                                                                           {"ReLU", Activation::kRelu},
                                                                           {"GELU", Activation::kGelu},
                                                                           {"SiLU", Activation::kSilu},
                                                                           {"Sigmoid", Activation::kSigmoid}}};
  const std::string name = class_name(path);
  if (name == "Identity") return std::nullopt;
  for (const auto& [known, function] : kKnown)
    if (known == name) return function;
  throw Failure(ErrorCode::kUnimplemented, where + ": activation_function: \"" + path + "\" is not supported");
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
Pooling pooling_of(const Json& json, const std::string& where) {
  if (const auto it = json.find("pooling_mode"); it != json.end() && it->is_string())
    return pooling_named(it->get<std::string>(), where);
  std::vector<std::string> modes;
  for (const auto& item : json.items()) {
    std::string key = item.key();
    if (!key.starts_with("pooling_mode_") || !item.value().is_boolean() || !item.value().get<bool>()) continue;
    key = key.substr(std::string_view("pooling_mode_").size());
    modes.push_back(key.ends_with("_tokens")  ? key.substr(0, key.size() - 7)
                    : key.ends_with("_token") ? key.substr(0, key.size() - 6)
                                              : key);
  }
  if (modes.size() == 1) return pooling_named(modes.front(), where);
  throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: {} pooling modes at once ({}): expected one", where,
                                                       modes.size(), fmt::join(modes, ", ")));
}

std::string string_at(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it != json.end() && it->is_string()) return it->get<std::string>();
  throw Failure(ErrorCode::kInvalidArgument, where + ": " + key + ": expected a string");
}

int64_t width_at(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it != json.end() && it->is_number_integer() && it->get<int64_t>() > 0 && it->get<int64_t>() <= 65536)
    return it->get<int64_t>();
  throw Failure(ErrorCode::kInvalidArgument, where + ": " + key + ": expected a number from 1 to 65536");
}

// A module's folder, which must not lead out of the model's.
fs::path folder_of(const fs::path& directory, const Json& module, const std::string& where) {
  const fs::path path = string_at(module, "path", where);
  const bool inside = path.is_relative() && std::find(path.begin(), path.end(), "..") == path.end();
  if (!inside)
    throw Failure(ErrorCode::kInvalidArgument,
                  where + ": path: expected a folder of the model, got \"" + path.string() + "\"");
  return directory / path;
}

// Where the encoder itself lies: beside modules.json, or in the folder of the first module.
fs::path encoder_folder(const fs::path& directory) {
  const fs::path path = directory / "modules.json";
  if (!fs::exists(path)) return directory;
  const Json modules = read_json(path);
  if (!modules.is_array() || modules.empty() || !modules.front().is_object())
    throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected a list of modules");
  return folder_of(directory, modules.front(), path.string());
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
  const std::string where = (directory / "modules.json").string();
  const Json modules = read_json(where);
  for (size_t i = 0; i < modules.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", where, i);
    if (!modules[i].is_object()) throw Failure(ErrorCode::kInvalidArgument, place + ": expected an object");
    const std::string type = class_name(string_at(modules[i], "type", place));
    if ((i == 0) != (type == "Transformer") || normalize || (i == 1) != (type == "Pooling"))
      throw Failure(
          ErrorCode::kUnimplemented,
          place + ": expected Transformer, Pooling, any Dense and at most one Normalize, in this order; got " + type);
    read_module(directory, modules[i], place);
  }
}

void SentenceEncoder::read_module(const fs::path& directory, const Json& module, const std::string& where) {
  const std::string type = class_name(string_at(module, "type", where));
  if (type == "Transformer") return;
  if (type == "Normalize") {
    normalize = true;
    return;
  }
  const fs::path folder = folder_of(directory, module, where);
  if (type == "Pooling") return read_pooling(folder);
  if (type == "Dense") return read_dense(folder);
  throw Failure(ErrorCode::kUnimplemented, where + ": module " + type + " is not supported");
}

void SentenceEncoder::read_pooling(const fs::path& directory) {
  const fs::path path = directory / "config.json";
  const Json json = read_json(path);
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected an object");
  pooling = pooling_of(json, path.string());
  if (json.value("include_prompt", Json(true)) != Json(true))
    throw Failure(ErrorCode::kUnimplemented,
                  path.string() + ": include_prompt: leaving the prompt out is not supported");
}

void SentenceEncoder::read_dense(const fs::path& directory) {
  WeightSource source(directory);
  const Json& json = source.config();
  const std::string& where = source.config_name();
  SentenceDense dense{.linear = {.in = width_at(json, "in_features", where),
                                 .out = width_at(json, "out_features", where),
                                 .has_bias = json.value("bias", Json(true)) == Json(true)}};
  if (json.value("use_residual", Json(false)) != Json(false))
    throw Failure(ErrorCode::kUnimplemented, where + ": use_residual is not supported");
  if (dense.linear.in != dimension())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: in_features {}, expected {}", where, dense.linear.in, dimension()));
  dense.activation = dense_activation(string_at(json, "activation_function", where), where);
  dense.linear.visit("linear", [&](const std::string& name, Parameter& p, Shape shape, ParameterRole role) {
    p.name = name;
    source.load(p, name, role, shape, encoder_->dtype());
  });
  dense_.push_back(std::move(dense));
}

// What the model was trained with may be shorter than what it could read.
void SentenceEncoder::read_limits(const fs::path& directory) {
  const fs::path path = directory / "sentence_bert_config.json";
  if (!fs::exists(path)) return;
  const Json json = read_json(path);
  const auto it = json.find("max_seq_length");
  if (it == json.end() || it->is_null()) return;
  max_tokens_ = std::min(max_tokens_, width_at(json, "max_seq_length", path.string()));
}

void SentenceEncoder::read_prompts(const fs::path& directory) {
  const fs::path path = directory / "config_sentence_transformers.json";
  if (!fs::exists(path)) return;
  const Json json = read_json(path);
  if (const auto prompts = json.find("prompts"); prompts != json.end() && prompts->is_object())
    for (const auto& item : prompts->items())
      prompts_[item.key()] = string_at(*prompts, item.key().c_str(), path.string() + ": prompts");
  if (const auto name = json.find("default_prompt_name"); name != json.end() && name->is_string())
    default_prompt_ = name->get<std::string>();
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
