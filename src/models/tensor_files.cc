#include "models/tensor_files.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "base/json.h"

namespace maru {
namespace {

std::vector<fs::path> weight_files(const fs::path& directory) {
  const fs::path index = directory / "model.safetensors.index.json";
  if (!fs::exists(index)) return {directory / "model.safetensors"};
  const Json json = read_json(index);
  if (!json.contains("weight_map") || !json["weight_map"].is_object())
    throw Failure(ErrorCode::kDataLoss, index.string() + ": weight_map: expected an object");
  std::set<std::string> names;
  for (const auto& item : json["weight_map"].items()) {
    const std::string file = item.value().is_string() ? item.value().get<std::string>() : "";
    if (file.empty() || fs::path(file).has_parent_path())
      throw Failure(ErrorCode::kDataLoss,
                    index.string() + ": weight_map: " + item.key() + ": expected a file name beside the index");
    names.insert(file);
  }
  std::vector<fs::path> files;
  for (const std::string& name : names) files.push_back(directory / name);
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

bool fits(const SafetensorsEntry& entry, Shape shape) {
  return entry.shape.size() == 1 ? shape == Shape{1, entry.shape[0]}
                                 : entry.shape.size() == 2 && shape == Shape{entry.shape[0], entry.shape[1]};
}

}  // namespace

TensorFiles TensorFiles::open(const fs::path& directory) {
  TensorFiles files;
  files.directory_ = directory;
  for (const fs::path& path : weight_files(directory)) {
    const SafetensorsFile file = SafetensorsFile::open(path).value();
    for (const auto& [name, entry] : file.entries()) files.entries_.insert_or_assign(name, std::pair(file, entry));
  }
  return files;
}

Tensor TensorFiles::load(const std::string& name, Shape shape, Dtype dtype) const {
  const std::string where = directory_.string() + ": tensor " + name;
  const auto it = entries_.find(name);
  if (it == entries_.end()) throw Failure(ErrorCode::kDataLoss, where + " is missing");
  const auto& [file, entry] = it->second;
  if (!fits(entry, shape))
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: shape [{}], expected [{}, {}]", where,
                                                    fmt::join(entry.shape, ", "), shape.rows, shape.cols));
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16")
    throw Failure(ErrorCode::kUnimplemented, where + ": dtype: expected F32, BF16 or F16, got " + entry.dtype);
  if (entry.dtype != (dtype == Dtype::kBf16 ? "BF16" : "F32")) return converted(entry, shape, dtype);
  return Tensor(file.owner(), const_cast<std::byte*>(entry.bytes.data()), shape, dtype);
}

}  // namespace maru
