#include "models/gguf_export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

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
  std::vector<const PlainWeights::Item*> items;  // one, or all experts of a layer in their order
  std::string name;
  std::vector<int64_t> shape;
  GgmlType type = GgmlType::kF32;
  int64_t heads = 0;        // whose rows are reordered; 0: none
  int64_t parts = 0;        // which take turns head by head; 0: none do
  bool transposed = false;  // the file has the other axis first
  float offset = 0;         // added
};

/// What the weights of a file become.
class Plan {
 public:
  Plan(const PlainWeights& weights, const GgufArchitecture& architecture, const DecoderConfig& config, GgmlType type,
       std::string where)
      : architecture_(architecture), type_(type), where_(std::move(where)) {
    for (const PlainWeights::Item& item : weights.items())
      if (!is_left_out(item, config.tie_word_embeddings)) add(item);
    for (const Planned& p : tensors_)
      if (std::find(p.items.begin(), p.items.end(), nullptr) != p.items.end())
        throw Failure(ErrorCode::kDataLoss, where_ + ": an expert of " + p.name + " is missing");
  }
  const std::vector<Planned>& tensors() const { return tensors_; }

 private:
  /// A head that is tied, and tables and masks that follow from the configuration.
  bool is_left_out(const PlainWeights::Item& item, bool tied) const {
    if (const auto place = architecture_.place(item.name)) return tied && place->tensor == "output.weight";
    return item.name.ends_with(".inv_freq") || item.name.ends_with(".masked_bias") || item.shape.size() == 4;
  }
  void add(const PlainWeights::Item& item) {
    const auto place = architecture_.place(item.name);
    if (!place)
      throw Failure(ErrorCode::kUnimplemented,
                    where_ + ": tensor " + item.name + " has no name in GGUF's \"" + architecture_.name() + "\"");
    if (place->expert >= 0) return add_expert(item, *place);
    const auto rules = architecture_.family().weights;
    Planned p{.items = {&item}, .name = place->tensor, .shape = item.shape};
    p.transposed = is_transposed(item.name, rules) && item.shape.size() == 2;
    if (p.transposed) std::swap(p.shape[0], p.shape[1]);
    p.type = stored_type(type_, p.name, p.shape);
    p.heads = architecture_.reordered_heads(item.name);
    p.parts = interleaved_parts(item.name, rules);
    p.offset = static_cast<float>(architecture_.norm_offset(item.name));
    tensors_.push_back(std::move(p));
  }
  void add_expert(const PlainWeights::Item& item, const GgufPlace& place) {
    if (place.expert >= architecture_.experts() || item.shape.size() != 2)
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: tensor {}: expected a matrix of one of {} experts", where_,
                                                      item.name, architecture_.experts()));
    const std::vector<int64_t> shape{architecture_.experts(), item.shape[0], item.shape[1]};
    const auto [it, fresh] = stacks_.emplace(place.tensor, tensors_.size());
    if (fresh)
      tensors_.push_back({.items = std::vector<const PlainWeights::Item*>(static_cast<size_t>(shape[0])),
                          .name = place.tensor,
                          .shape = shape,
                          .type = stored_type(type_, place.tensor, shape)});
    Planned& stack = tensors_[it->second];
    if (stack.shape != shape)
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}: tensor {}: expected the shape [{}] of the other experts", where_, item.name,
                                fmt::join(std::span(stack.shape).subspan(1), ", ")));
    stack.items[static_cast<size_t>(place.expert)] = &item;
  }

  const GgufArchitecture& architecture_;
  GgmlType type_;
  std::string where_;
  std::vector<Planned> tensors_;
  std::map<std::string, size_t> stacks_;  // by name, of tensors_
};

/// The values of one of the tensor's items as GGUF wants them.
std::vector<float> arranged(const Planned& p, std::vector<float> values, int64_t heads) {
  if (p.heads > 0) interleave_rows(values, p.shape[0], p.heads);
  if (p.parts > 0) stack_parts(values, p.shape[0], heads, p.parts);
  if (p.transposed) values = transposed(values, p.shape[1], p.shape[0]);
  for (float& value : values) value += p.offset;
  return values;
}

}  // namespace

formats::ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                                       const std::string& name, const MetadataWriter& text,
                                       const formats::ConvertProgress& progress) {
  const fs::path config_path = directory / "config.json";
  const Json json = read_json(config_path);
  const DecoderConfig config = config_from_hugging_face(json, config_path.string());
  const GgufArchitecture architecture = GgufArchitecture::of_config(config, config_path.string());
  const formats::WeightFiles files(directory);
  const PlainWeights weights(files, formats::quantization_config(json, config_path.string()), directory.string());
  formats::ConvertResult result{.type = type.value_or(formats::natural_type(weights))};
  formats::require_writable(result.type, true);
  formats::GgufWriter writer(out);
  put_model_metadata(writer, architecture, config, result.type, name);
  const Plan plan(weights, architecture, config, result.type, directory.string());
  text(writer, config.vocab_size);
  const std::vector<RopeTensor> rope = rope_tensors(config);
  for (const RopeTensor& r : rope) writer.declare(r.name, GgmlType::kF32, {static_cast<int64_t>(r.factors.size())});
  for (const Planned& p : plan.tensors()) writer.declare(p.name, p.type, p.shape);
  for (const RopeTensor& r : rope) writer.write(std::as_bytes(std::span(r.factors)));
  for (const Planned& p : plan.tensors()) {
    for (const PlainWeights::Item* item : p.items) {
      const std::vector<float> values = arranged(p, weights.read(*item), config.num_attention_heads);
      if (!values.empty()) writer.write(formats::packed_values(p.type, values, p.name));
      result.elements += static_cast<int64_t>(values.size());
      if (progress) progress(static_cast<uint64_t>(result.elements));
    }
    result.tensors += 1;
  }
  writer.commit();
  result.bytes = fs::file_size(out);
  return result;
}

}  // namespace maru
