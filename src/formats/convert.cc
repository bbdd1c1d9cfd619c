#include "formats/convert.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json.h"
#include "formats/block_quant.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

constexpr float kLargestHalf = 65504;

}  // namespace

std::vector<std::byte> packed_values(GgmlType type, std::span<const float> values, const std::string& name) {
  const auto too_large = [](float v) { return std::abs(v) > kLargestHalf; };
  if (type == GgmlType::kF16 && std::any_of(values.begin(), values.end(), too_large))
    throw Failure(ErrorCode::kInvalidArgument, "tensor " + name + ": a weight is too large for F16");
  std::vector<std::byte> bytes(*bytes_of(layout_of(type), values.size()));
  try {
    quantize(type, values, bytes);
  } catch (const Failure& e) {
    throw Failure(e.code(), "tensor " + name + ": " + e.what());
  }
  return bytes;
}

void require_writable(GgmlType type, bool gguf) {
  const bool plain = type == GgmlType::kF32 || type == GgmlType::kF16 || type == GgmlType::kBf16;
  if (plain || (gguf && (type == GgmlType::kQ8_0 || type == GgmlType::kQ4_0))) return;
  throw Failure(ErrorCode::kUnimplemented, std::string(name_of(type)) + " cannot be written; expected f32, f16, bf16" +
                                               (gguf ? ", q8_0 or q4_0" : ""));
}

GgmlType natural_type(const PlainWeights& weights) {
  std::map<std::string, int64_t> elements;
  for (const PlainWeights::Item& item : weights.items()) {
    int64_t n = 1;
    for (const int64_t dim : item.shape) n *= dim;
    elements[item.dtype] += n;
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == elements.end()) return GgmlType::kBf16;
  return most->first == "F32" ? GgmlType::kF32 : most->first == "F16" ? GgmlType::kF16 : GgmlType::kBf16;
}

ConvertResult convert_to_safetensors(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                                     const ConvertProgress& progress, const WeightEdit& edit) {
  Json config = read_json(directory / "config.json");
  const WeightFiles files(directory);
  const PlainWeights weights(files, quantization_config(config, (directory / "config.json").string()),
                             directory.string());
  ConvertResult result{.type = type.value_or(natural_type(weights))};
  require_writable(result.type, false);
  SafetensorsWriter writer(out / "model.safetensors");
  writer.set_metadata({{"format", "pt"}});
  for (const PlainWeights::Item& item : weights.items())
    writer.declare(item.name, std::string(name_of(result.type)), item.shape);
  for (const PlainWeights::Item& item : weights.items()) {
    std::vector<float> values = weights.read(item);
    if (edit) edit(item, values);
    writer.write(packed_values(result.type, values, item.name));
    result.tensors += 1, result.elements += static_cast<int64_t>(values.size());
    if (progress) progress(static_cast<uint64_t>(result.elements));
  }
  writer.commit();
  config.erase("quantization_config");
  config.erase("dtype");
  config["torch_dtype"] = result.type == GgmlType::kF32   ? "float32"
                          : result.type == GgmlType::kF16 ? "float16"
                                                          : "bfloat16";
  write_json(out / "config.json", config);
  result.bytes = fs::file_size(out / "model.safetensors");
  return result;
}

}  // namespace maru::formats
