#include "models/model_files.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/json.h"
#include "base/map_guard.h"
#include "formats/safetensors.h"
#include "models/placement.h"
#include "models/quantized_files.h"
#include "models/registry.h"
#include "models/weight_source.h"
#include "models/weights.h"

namespace maru {
namespace {

/// Positions are added, not multiplied.
bool may_be_quantized(ParameterRole role) { return !is_vector(role) && role != ParameterRole::kPositions; }

/// With threads of the host for serving, which pack integers.
void set_values(Decoder& model, WeightSource& source, const HostStream* serving = nullptr) {
  const Placement placement(model);
  for (Parameter* parameter : model.parameters()) {
    if (source.load_panels(*parameter, parameter->shape)) continue;
    const WeightPlace place = placement.place(parameter->name);
    const StoredPart part = placement.part(parameter->name, place);
    if (serving != nullptr && may_be_quantized(parameter->role) &&
        source.load_quantized(*serving, *parameter, place.tensor, part))
      continue;
    source.load(*parameter, place.tensor, part, parameter->role, parameter->shape,
                dtype_of(parameter->role, model.dtype()));
  }
  source.refuse_unused(model.config().tie_word_embeddings ? placement.place("lm_head.weight").tensor : "");
  check_mapped_files();
}

/// A tensor to be written, and the memory of one that had to be put together.
struct Stored {
  formats::SafetensorsItem item;
  Tensor value;  // what the item looks at, if it is a whole parameter
  std::vector<std::byte> memory;
};

void scatter(const Tensor& value, const StoredPart& part, std::vector<std::byte>& to) {
  const size_t width = size_of(value.dtype());
  for (int64_t r = 0; r < part.shape.rows; ++r)
    for (int64_t c = 0; c < part.shape.cols; ++c)
      std::memcpy(to.data() + static_cast<size_t>(part.at(r) + c * part.stride()) * width,
                  value.data<std::byte>() + static_cast<size_t>(r * part.shape.cols + c) * width, width);
}

std::vector<Stored> stored_tensors(Decoder& model) {
  const Placement placement(model);
  std::vector<Stored> all;
  std::map<std::string, size_t> places;
  for (Parameter* parameter : model.parameters()) {
    if (parameter->quantized) continue;  // as panels, under its own name
    const WeightPlace place = placement.place(parameter->name);
    const StoredPart part = placement.part(parameter->name, place);
    const Tensor value = to_host(parameter->value);
    const auto [it, fresh] = places.emplace(place.tensor, all.size());
    if (fresh)
      all.push_back({{place.tensor, format_name(value.dtype()), stored_shape(part, parameter->role), {}}, {}, {}});
    Stored& stored = all[it->second];
    if (place.parts.size() == 1 && part.in_place()) {
      stored.item.bytes = {value.data<std::byte>(), value.bytes()};
      stored.value = value;
      continue;
    }
    stored.memory.resize(static_cast<size_t>(part.total_rows * part.shape.cols) * size_of(value.dtype()));
    stored.item.bytes = stored.memory;
    scatter(value, part, stored.memory);
  }
  return all;
}

std::unique_ptr<Decoder> load(const fs::path& path, std::optional<Dtype> dtype, const HostStream* serving) {
  WeightSource source(path);
  const DecoderConfig config = config_from_hugging_face(source.config(), source.config_name());
  auto model = std::make_unique<Decoder>(config, dtype ? *dtype : stored_dtype(source));
  if (serving != nullptr && source.has_rotary_pairs() && model->may_have_rotary_pairs()) model->use_rotary_pairs();
  set_values(*model, source, serving);
  return model;
}

}  // namespace

Dtype stored_dtype(const WeightSource& source) {
  const Json& config = source.config();
  const auto it = config.contains("torch_dtype") ? config.find("torch_dtype") : config.find("dtype");
  const std::string name = it != config.end() && it->is_string() ? it->get<std::string>() : "float32";
  if (name == "bfloat16" || name == "float16") return Dtype::kBf16;
  if (name == "float32") return Dtype::kF32;
  throw Failure(ErrorCode::kUnimplemented,
                source.config_name() + ": torch_dtype: expected bfloat16, float16 or float32, got \"" + name + "\"");
}

std::unique_ptr<Decoder> load_decoder(WeightSource& source, const DecoderConfig& config, Dtype dtype) {
  auto model = std::make_unique<Decoder>(config, dtype);
  set_values(*model, source);
  return model;
}

std::unique_ptr<Decoder> load_model(const fs::path& path, std::optional<Dtype> dtype) {
  return load(path, dtype, nullptr);
}

std::unique_ptr<Decoder> load_for_serving(const HostStream& host, const fs::path& path, std::optional<Dtype> dtype) {
  return load(path, dtype, &host);
}

void Decoder::load(const fs::path& directory) {
  WeightSource source(directory);
  Decoder stored(config_, dtype());
  set_values(stored, source);
  const std::vector<Parameter*> from = stored.parameters(), &to = parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    const Tensor& value = from[i]->value;
    if (!value)
      throw Failure(ErrorCode::kInvalidArgument, directory.string() + ": tensor " + from[i]->name +
                                                     " is quantized; training begins with plain weights");
    upload(to[i]->value, value.data<std::byte>());
  }
}

void save_weights(Decoder& model, const fs::path& file, const std::vector<NamedTensor>& more) {
  std::vector<Tensor> held;
  std::vector<formats::SafetensorsItem> items = panel_items(model, held);
  std::vector<Stored> stored = stored_tensors(model);
  for (const NamedTensor& tensor : more) {
    const Tensor value = to_host(tensor.tensor);
    stored.push_back({{tensor.name,
                       format_name(value.dtype()),
                       {value.rows(), value.cols()},
                       {value.data<std::byte>(), value.bytes()}},
                      value,
                      {}});
  }
  // Behind panels the wider elements come first, so that each is aligned.
  if (!items.empty())
    std::stable_partition(stored.begin(), stored.end(), [](const Stored& s) { return s.item.dtype == "F32"; });
  for (const Stored& tensor : stored) items.push_back(tensor.item);
  formats::write_safetensors(file, items, {{"format", "pt"}});
}

std::string torch_dtype_of(const Model& model) { return model.dtype() == Dtype::kBf16 ? "bfloat16" : "float32"; }

void Decoder::save(const fs::path& directory) {
  fs::create_directories(directory);
  save_weights(*this, directory / "model.safetensors");
  write_json(directory / "config.json", config_to_hugging_face(config_, torch_dtype_of(*this)));
}

}  // namespace maru
