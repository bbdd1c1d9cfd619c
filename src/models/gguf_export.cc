#include "models/gguf_export.h"

#include <algorithm>

#include "base/json.h"
#include "models/gguf_model.h"

namespace maru {
namespace {

using formats::GgmlType;
using formats::PlainWeights;

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

formats::ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                                       const std::string& name, const MetadataWriter& text,
                                       const formats::ConvertProgress& progress) {
  const fs::path config_path = directory / "config.json";
  const Json config = read_json(config_path);
  const GgufArchitecture architecture = GgufArchitecture::of_config(config, config_path.string());
  const formats::WeightFiles files(directory);
  const PlainWeights weights(files, formats::quantization_config(config, config_path.string()), directory.string());
  formats::ConvertResult result{.type = type.value_or(formats::natural_type(weights))};
  formats::require_writable(result.type, true);
  const std::vector<Planned> plan = plan_gguf(weights, architecture, config, result.type, directory.string());
  formats::GgufWriter writer(out);
  put_model_metadata(writer, architecture, config, result.type, name);
  text(writer, config.value("vocab_size", int64_t{0}));
  const std::vector<float> factors = rope_factors(config);
  if (!factors.empty()) writer.declare("rope_freqs.weight", GgmlType::kF32, {static_cast<int64_t>(factors.size())});
  for (const Planned& p : plan) writer.declare(p.name, p.type, p.shape);
  if (!factors.empty()) writer.write(std::as_bytes(std::span(factors)));
  for (const Planned& p : plan) {
    const std::vector<float> values = arranged(p, weights.read(*p.item));
    if (!values.empty()) writer.write(formats::packed_values(p.type, values, p.name));
    result.tensors += 1, result.elements += static_cast<int64_t>(values.size());
    if (progress) progress(static_cast<uint64_t>(result.elements));
  }
  writer.commit();
  result.bytes = fs::file_size(out);
  return result;
}

}  // namespace maru
