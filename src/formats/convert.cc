#include "formats/convert.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json.h"
#include "formats/block_quant.h"
#include "formats/gguf_model.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

Json read_if_there(const fs::path& path) { return fs::exists(path) ? read_json(path) : Json::object(); }

constexpr float kLargestHalf = 65504;

// What the type cannot hold is refused rather than written as infinity.
std::vector<std::byte> packed(GgmlType type, std::span<const float> values, const std::string& name) {
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

/// [cols, rows] of [rows, cols].
std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t cols) {
  std::vector<float> result(values.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      result[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * cols + c)];
  return result;
}

/// A tensor of the export: where it comes from and how it is stored.
struct Planned {
  const PlainWeights::Item* item;
  std::string name;
  std::vector<int64_t> shape;
  GgmlType type;
  int64_t heads;    // whose rows are reordered; 0: none
  bool transposed;  // the file has the other axis first
  float offset;     // added
};

/// The values as GGUF wants them.
std::vector<float> arranged(const Planned& p, std::vector<float> values) {
  if (p.heads > 0) interleave_rows(values, p.shape[0], p.heads);
  if (p.transposed) values = transposed(values, p.shape[1], p.shape[0]);
  for (float& value : values) value += p.offset;
  return values;
}

std::vector<Planned> plan_gguf(const PlainWeights& weights, const GgufArchitecture& architecture, const Json& config,
                               GgmlType type, const std::string& where) {
  const bool tied = config.value("tie_word_embeddings", false);
  std::vector<Planned> plan;
  for (const PlainWeights::Item& item : weights.items()) {
    if (item.name.ends_with(".rotary_emb.inv_freq") || (tied && item.name == "lm_head.weight")) continue;
    const auto name = architecture.gguf_name(item.name);
    if (!name)
      throw Failure(ErrorCode::kUnimplemented,
                    where + ": tensor " + item.name + " has no name in GGUF's \"" + architecture.name() + "\"");
    const bool turned = architecture.transposed(item.name) && item.shape.size() == 2;
    const std::vector<int64_t> shape = turned ? std::vector{item.shape[1], item.shape[0]} : item.shape;
    plan.push_back({&item, *name, shape, stored_type(type, *name, shape), architecture.reordered_heads(item.name),
                    turned, static_cast<float>(architecture.norm_offset(item.name))});
  }
  return plan;
}

}  // namespace

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

ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                              const std::string& name, const TokenizerWriter& tokenizer,
                              const ConvertProgress& progress) {
  const fs::path config_path = directory / "config.json";
  const Json config = read_json(config_path);
  const GgufArchitecture architecture = GgufArchitecture::of_config(config, config_path.string());
  const WeightFiles files(directory);
  const PlainWeights weights(files, quantization_config(config, config_path.string()), directory.string());
  ConvertResult result{.type = type.value_or(natural_type(weights))};
  require_writable(result.type, true);
  const std::vector<Planned> plan = plan_gguf(weights, architecture, config, result.type, directory.string());
  GgufWriter writer(out);
  put_model_metadata(writer, architecture, config, result.type, name);
  result.tokenizer = tokenizer(writer, config.value("vocab_size", int64_t{0}));
  const std::vector<float> factors = rope_factors(config);
  if (!factors.empty()) writer.declare("rope_freqs.weight", GgmlType::kF32, {static_cast<int64_t>(factors.size())});
  for (const Planned& p : plan) writer.declare(p.name, p.type, p.shape);
  if (!factors.empty()) writer.write(std::as_bytes(std::span(factors)));
  for (const Planned& p : plan) {
    const std::vector<float> values = arranged(p, weights.read(*p.item));
    if (!values.empty()) writer.write(packed(p.type, values, p.name));
    result.tensors += 1, result.elements += static_cast<int64_t>(values.size());
    if (progress) progress(static_cast<uint64_t>(result.elements));
  }
  writer.commit();
  result.bytes = fs::file_size(out);
  return result;
}

ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                              const std::string& name, const std::string& chat_template,
                              const ConvertProgress& progress) {
  const TokenizerWriter from_json = [&](GgufWriter& writer, int64_t vocab_size) {
    const Json tokenizer = read_json(directory / "tokenizer.json");
    const Json config = read_if_there(directory / "tokenizer_config.json");
    return put_tokenizer(
        writer, {.tokenizer = tokenizer, .config = config, .chat_template = chat_template, .vocab_size = vocab_size});
  };
  return convert_to_gguf(directory, out, type, name, from_json, progress);
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
    writer.write(packed(result.type, values, item.name));
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
