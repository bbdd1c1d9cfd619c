#include "models/checkpoint.h"

#include <fmt/format.h>

#include <cstring>
#include <map>

#include "base/json.h"
#include "formats/safetensors.h"
#include "models/weights.h"

namespace maru {
namespace {

std::string format_name(Dtype dtype) { return dtype == Dtype::kBf16 ? "BF16" : "F32"; }

Dtype dtype_of_config(const Json& config, const std::string& where) {
  const auto it = config.contains("torch_dtype") ? config.find("torch_dtype") : config.find("dtype");
  const std::string name = it != config.end() && it->is_string() ? it->get<std::string>() : "float32";
  if (name == "bfloat16" || name == "float16") return Dtype::kBf16;
  if (name == "float32") return Dtype::kF32;
  throw Failure(ErrorCode::kUnimplemented,
                where + ": torch_dtype: expected bfloat16, float16 or float32, got \"" + name + "\"");
}

std::vector<fs::path> weight_files(const fs::path& directory) {
  const fs::path index = directory / "model.safetensors.index.json";
  if (!fs::exists(index)) return {directory / "model.safetensors"};
  const Json json = read_json(index);
  if (!json.contains("weight_map") || !json["weight_map"].is_object())
    throw Failure(ErrorCode::kDataLoss, index.string() + ": weight_map: expected an object");
  std::map<std::string, bool> names;
  for (const auto& item : json["weight_map"].items()) {
    const std::string file = item.value().is_string() ? item.value().get<std::string>() : "";
    if (file.empty() || fs::path(file).has_parent_path())
      throw Failure(ErrorCode::kDataLoss,
                    index.string() + ": weight_map: " + item.key() + ": expected a file name beside the index");
    names[file] = true;
  }
  std::vector<fs::path> files;
  for (const auto& [name, unused] : names) files.push_back(directory / name);
  return files;
}

float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t{h & 0x8000u} << 16, exponent = (h >> 10) & 31u, mantissa = h & 1023u;
  if (exponent == 0) return (sign != 0 ? -1.0f : 1.0f) * static_cast<float>(mantissa) * 0x1p-24f;
  const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | (mantissa << 13);
  float f = 0;
  std::memcpy(&f, &bits, 4);
  return f;
}

float element(const SafetensorsEntry& entry, int64_t i) {
  if (entry.dtype == "F32") return reinterpret_cast<const float*>(entry.bytes.data())[i];
  const uint16_t bits = reinterpret_cast<const uint16_t*>(entry.bytes.data())[i];
  return entry.dtype == "BF16" ? to_float(bfloat16{bits}) : half_to_float(bits);
}

Tensor converted(const SafetensorsEntry& entry, Shape shape, Dtype dtype) {
  auto memory = std::make_shared<HostBuffer>(static_cast<size_t>(shape.size()) * size_of(dtype));
  std::byte* data = memory->data();
  for (int64_t i = 0; i < shape.size(); ++i) {
    const float value = element(entry, i);
    if (dtype == Dtype::kBf16) reinterpret_cast<bfloat16*>(data)[i] = to_bfloat16(value);
    if (dtype == Dtype::kF32) reinterpret_cast<float*>(data)[i] = value;
  }
  return Tensor(std::move(memory), data, shape, dtype);
}

Tensor tensor_of(const SafetensorsFile& file, const SafetensorsEntry& entry, const ParameterInfo& info, Dtype dtype,
                 const std::string& where) {
  const bool fits = entry.shape.size() == 1
                        ? info.shape == Shape{1, entry.shape[0]}
                        : entry.shape.size() == 2 && info.shape == Shape{entry.shape[0], entry.shape[1]};
  if (!fits)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: shape [{}], expected [{}, {}]", where,
                                                    fmt::join(entry.shape, ", "), info.shape.rows, info.shape.cols));
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16")
    throw Failure(ErrorCode::kUnimplemented, where + ": dtype: expected F32, BF16 or F16, got " + entry.dtype);
  if (entry.dtype != format_name(dtype)) return converted(entry, info.shape, dtype);
  return Tensor(file.owner(), const_cast<std::byte*>(entry.bytes.data()), info.shape, dtype);
}

void set_values(Decoder& model, const fs::path& directory, bool copy) {
  std::map<std::string, std::pair<SafetensorsFile, SafetensorsEntry>> found;
  for (const fs::path& path : weight_files(directory)) {
    const SafetensorsFile file = SafetensorsFile::open(path).value();
    for (const auto& [name, entry] : file.entries()) found.insert_or_assign(name, std::pair(file, entry));
  }
  for (const ParameterInfo& info : parameters_of(model)) {
    const auto it = found.find(info.parameter->name);
    if (it == found.end())
      throw Failure(ErrorCode::kDataLoss, directory.string() + ": tensor " + info.parameter->name + " is missing");
    const Tensor value = tensor_of(it->second.first, it->second.second, info, model.dtype(),
                                   directory.string() + ": tensor " + info.parameter->name);
    if (copy) {
      std::memcpy(info.parameter->value.data<std::byte>(), value.data<std::byte>(), value.bytes());
    } else {
      info.parameter->value = value;
    }
  }
}

}  // namespace

std::unique_ptr<Decoder> load_model(const fs::path& directory, std::optional<Dtype> dtype) {
  const fs::path path = directory / "config.json";
  const Json json = read_json(path);
  const DecoderConfig config = config_from_hugging_face(json, path.string());
  auto model = std::make_unique<Decoder>(config, dtype ? *dtype : dtype_of_config(json, path.string()));
  set_values(*model, directory, /*copy=*/false);
  return model;
}

void load_values(Decoder& model, const fs::path& directory) { set_values(model, directory, /*copy=*/true); }

void save_model(Decoder& model, const fs::path& directory) {
  fs::create_directories(directory);
  std::vector<SafetensorsItem> items;
  for (const ParameterInfo& info : parameters_of(model)) {
    std::vector<int64_t> shape{info.shape.rows, info.shape.cols};
    if (is_vector(info.role)) shape.erase(shape.begin());
    const Tensor& value = info.parameter->value;
    items.push_back(
        {info.parameter->name, format_name(model.dtype()), std::move(shape), {value.data<std::byte>(), value.bytes()}});
  }
  write_safetensors(directory / "model.safetensors", items, {{"format", "pt"}});
  const std::string torch_dtype = model.dtype() == Dtype::kBf16 ? "bfloat16" : "float32";
  write_json(directory / "config.json", config_to_hugging_face(model.config(), torch_dtype));
}

}  // namespace maru
