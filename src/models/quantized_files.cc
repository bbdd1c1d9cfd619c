#include "models/quantized_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "base/json.h"
#include "models/weights.h"
#include "ops/quantized.h"

namespace maru {
namespace {

int64_t bits_of(QuantizedKind kind) { return kind == QuantizedKind::kInt8 ? 8 : 4; }

/// The tensors that a weight consists of.
class Parts {
 public:
  Parts(const formats::WeightFiles& files, const std::string& name, const std::string& where)
      : files_(files), name_(name), where_(where) {}

  const formats::StoredTensor* find(const char* part) const { return files_.find(name_ + part); }
  const formats::StoredTensor& get(const char* part) const {
    if (const formats::StoredTensor* found = find(part)) return *found;
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: tensor {}{} is missing", where_, name_, part));
  }
  [[noreturn]] void misfit(const formats::StoredTensor& t, const std::string& expected) const {
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: tensor {}: expected {}, got {} of shape [{}]", where_, t.name,
                                                    expected, t.dtype, fmt::join(t.shape, ", ")));
  }
  const formats::StoredTensor& get(const char* part, const char* dtype, const std::vector<int64_t>& shape) const {
    const formats::StoredTensor& t = get(part);
    if (t.dtype != dtype || t.shape != shape) misfit(t, fmt::format("{} of shape [{}]", dtype, fmt::join(shape, ", ")));
    return t;
  }
  void check_shape(Shape shape) const {
    const formats::StoredTensor& t = get(".shape", "I64", {2});
    int64_t stored[2];
    std::memcpy(stored, t.bytes.data(), sizeof stored);
    if (stored[0] == shape.rows && stored[1] == shape.cols) return;
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: tensor {}: the weight is [{}, {}], expected [{}, {}]", where_,
                                                    t.name, stored[0], stored[1], shape.rows, shape.cols));
  }

 private:
  const formats::WeightFiles& files_;
  const std::string &name_, &where_;
};

// Both kinds in one file: the width of the quads says which.
QuantizedKind kind_of(const Parts& parts, const formats::StoredTensor& quads, int64_t panels, int64_t groups) {
  for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4})
    if (quads.dtype == "U8" && quads.shape == std::vector{panels, groups * kernels::quantized_group_bytes(kind)})
      return kind;
  parts.misfit(quads, fmt::format("U8 of shape [{}, {}] or [{}, {}]", panels, groups * 512, panels, groups * 256));
}

Tensor mapped(const formats::StoredTensor& t) {
  return Tensor(t.owner, const_cast<std::byte*>(t.bytes.data()), {1, static_cast<int64_t>(t.bytes.size())}, Dtype::kU8);
}

}  // namespace

Json quantization_json(QuantizedKind kind, QuantizedKind table_kind, const std::string& calibration) {
  return {{"quant_method", "maru"},
          {"version", 1},
          {"bits", bits_of(kind)},
          {"table_bits", bits_of(table_kind)},
          {"group_size", kernels::kQuantizedGroup},
          {"calibration", calibration}};
}

std::optional<QuantizedWeight> read_panels(const formats::WeightFiles& files, const std::string& name, Shape shape,
                                           const std::string& where) {
  const Parts parts(files, name, where);
  if (!parts.find(".quads") && !parts.find(".scales") && !parts.find(".shape") && !parts.find(".offsets"))
    return std::nullopt;
  parts.check_shape(shape);
  const int64_t panels = kernels::quantized_panels(shape.rows), groups = kernels::quantized_groups(shape.cols);
  const formats::StoredTensor& quads = parts.get(".quads");
  const QuantizedKind kind = kind_of(parts, quads, panels, groups);
  const std::vector<int64_t> scale_shape{panels, groups * kernels::kQuantizedPanel};
  const formats::StoredTensor& scales = parts.get(".scales", "F16", scale_shape);
  Tensor offsets;
  if (parts.find(".offsets")) offsets = mapped(parts.get(".offsets", "F16", scale_shape));
  return quantized_view(kind, shape, mapped(quads), mapped(scales), where + ": tensor " + name, std::move(offsets));
}

std::vector<formats::SafetensorsItem> panel_items(Model& model, std::vector<Tensor>& held) {
  std::vector<formats::SafetensorsItem> quads, scales, shapes;
  const auto add = [&](std::vector<formats::SafetensorsItem>& to, std::string name, const char* dtype, int64_t panels,
                       const Tensor& on_device) {
    if (!on_device) return;
    const Tensor& t = held.emplace_back(to_host(on_device));
    const auto elements = static_cast<int64_t>(t.bytes()) / (dtype[0] == 'U' ? 1 : 2);
    to.push_back({std::move(name), dtype, {panels, elements / panels}, {t.data<std::byte>(), t.bytes()}});
  };
  for (Parameter* parameter : model.parameters()) {
    const QuantizedWeight& w = parameter->quantized;
    if (!w) continue;
    const std::string& name = parameter->name;
    const int64_t panels = kernels::quantized_panels(w.shape.rows);
    add(quads, name + ".quads", "U8", panels, w.quads);
    add(scales, name + ".scales", "F16", panels, w.scales);
    add(scales, name + ".offsets", "F16", panels, w.offsets);
    const int64_t shape[]{w.shape.rows, w.shape.cols};
    const Tensor& stored = held.emplace_back(host_tensor({1, sizeof shape}, Dtype::kU8));
    std::memcpy(stored.data<std::byte>(), shape, sizeof shape);
    shapes.push_back({name + ".shape", "I64", {2}, {stored.data<std::byte>(), sizeof shape}});
  }
  std::vector<formats::SafetensorsItem> all = std::move(quads);
  all.insert(all.end(), scales.begin(), scales.end());
  all.insert(all.end(), shapes.begin(), shapes.end());
  return all;
}

}  // namespace maru
