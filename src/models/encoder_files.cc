#include "models/encoder_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json_node.h"
#include "base/map_guard.h"
#include "formats/safetensors.h"
#include "models/encoder_family.h"
#include "models/weight_source.h"
#include "models/weights.h"

namespace maru {
namespace {

/// How tensors are called in these files.
class EncoderNames {
 public:
  explicit EncoderNames(const WeightSource& files) : files_(files) {
    for (const EncoderFamily& family : encoder_families())
      if (files.contains(std::string(family.tensor_prefix) + "embeddings.word_embeddings.weight"))
        prefix_ = family.tensor_prefix;
  }
  static bool is_classifier(const std::string& parameter) { return parameter.starts_with("classifier"); }
  /// The classifier is no part of the plain encoder and has no prefix. Old files call a norm's parameters gamma and
  /// beta.
  std::string name_of(const std::string& parameter) const {
    const std::string name = is_classifier(parameter) ? parameter : prefix_ + parameter;
    return files_.contains(name) ? name : old_name_of(name);
  }

 private:
  std::string old_name_of(const std::string& name) const {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOld{
        {{".LayerNorm.weight", ".LayerNorm.gamma"}, {".LayerNorm.bias", ".LayerNorm.beta"}}};
    for (const auto& [now, before] : kOld)
      if (name.ends_with(now)) {
        const std::string old = name.substr(0, name.size() - now.size()) + std::string(before);
        if (files_.contains(old)) return old;
      }
    return name;
  }
  const WeightSource& files_;
  std::string prefix_;
};

// Half precision has more digits than bf16, which embeddings can tell: it becomes f32.
Dtype dtype_of(const Json& config) {
  const auto it = config.contains("torch_dtype") ? config.find("torch_dtype") : config.find("dtype");
  return it != config.end() && *it == Json("bfloat16") ? Dtype::kBf16 : Dtype::kF32;
}

}  // namespace

std::unique_ptr<Encoder> load_encoder(const fs::path& directory, std::optional<Dtype> dtype) {
  WeightSource source(directory);
  const EncoderConfig config = encoder_config_from_hugging_face(source.config(), source.config_name());
  auto model = std::make_unique<Encoder>(config, dtype ? *dtype : dtype_of(source.config()));
  const EncoderNames names(source);
  for (Parameter* p : model->parameters()) source.load(*p, names.name_of(p->name), p->role, p->shape, model->dtype());
  check_mapped_files();
  return model;
}

void save_encoder(Encoder& encoder, const fs::path& directory, std::string_view prefix) {
  CHECK(prefix.empty() == (encoder.config().num_labels == 0));
  std::vector<formats::SafetensorsItem> items;
  std::vector<Tensor> held;
  for (const Parameter* p : encoder.parameters()) {
    const Tensor& value = held.emplace_back(to_host(p->value));
    const auto shape = is_vector(p->role) ? std::vector{value.size()} : std::vector{value.rows(), value.cols()};
    const std::string name = EncoderNames::is_classifier(p->name) ? p->name : std::string(prefix) + p->name;
    items.push_back({name, format_name(value.dtype()), shape, {value.data<std::byte>(), value.bytes()}});
  }
  formats::write_safetensors(directory / "model.safetensors", items, {{"format", "pt"}});
}

std::unique_ptr<Encoder> load_encoder_to_train(const fs::path& directory, Dtype dtype) {
  const std::unique_ptr<Encoder> stored = load_encoder(directory, dtype);
  auto model = std::make_unique<Encoder>(stored->config(), dtype);
  allocate_values(*model);
  for (size_t i = 0; i < model->parameters().size(); ++i)
    upload(model->parameters()[i]->value, stored->parameters()[i]->value.data<std::byte>());
  check_mapped_files();
  return model;
}

RerankerToTrain load_reranker_to_train(const fs::path& directory, Dtype dtype, uint64_t seed) {
  WeightSource source(directory);
  EncoderConfig config = encoder_config_from_hugging_face(source.config(), source.config_name());
  if (config.num_labels > 1)
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: a classifier of {} labels: expected one, a reranker's",
                                                         source.config_name(), config.num_labels));
  if (config.num_labels == 1) return {load_encoder_to_train(directory, dtype), source.config()};
  const Json json = reranker_config_to_hugging_face(source.config());
  const double deviation = JsonNode(json, source.config_name())["initializer_range"].number(0.02);
  auto model = std::make_unique<Encoder>(encoder_config_from_hugging_face(json, source.config_name()), dtype);
  allocate_values(*model);
  const EncoderNames names(source);
  const std::vector<Parameter*> fresh = model->classifier();
  for (Parameter* p : model->parameters()) {
    const std::string name = names.name_of(p->name);
    const bool kept =
        std::ranges::find(fresh, p) == fresh.end() || (!EncoderNames::is_classifier(p->name) && source.contains(name));
    Parameter stored;
    if (kept)
      source.load(stored, name, p->role, p->shape, dtype), upload(p->value, stored.value.data<std::byte>());
    else if (!is_vector(p->role))
      fill_normal(*p, deviation, seed);
  }
  check_mapped_files();
  return {std::move(model), json};
}

}  // namespace maru
