#include "models/weight_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/float16.h"
#include "models/quantized_files.h"

namespace maru {
namespace {

float f32_at(const std::byte* data, int64_t i) { return reinterpret_cast<const float*>(data)[i]; }
float bf16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const bfloat16*>(data)[i]); }
float f16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const float16*>(data)[i]); }

using ElementAt = float (*)(const std::byte*, int64_t);

ElementAt reader_of(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return f32_at;
  if (dtype == "BF16") return bf16_at;
  if (dtype == "F16") return f16_at;
  throw Failure(ErrorCode::kUnimplemented, where + ": dtype: expected F32, BF16 or F16, got " + dtype);
}

void store(float value, float* to) { *to = value; }
void store(float value, bfloat16* to) { *to = to_bfloat16(value); }

template <class T>
void copy_elements(T* to, const std::byte* from, ElementAt element, const StoredPart& part) {
  for (int64_t r = 0; r < part.shape.rows; ++r) {
    const int64_t at = part.at(r), stride = part.stride();
    for (int64_t c = 0; c < part.shape.cols; ++c) store(element(from, at + c * stride), to++);
  }
}

Tensor converted(const formats::StoredTensor& stored, const StoredPart& part, Shape shape, Dtype dtype,
                 ElementAt element) {
  auto memory = std::make_shared<HostBuffer>(static_cast<size_t>(shape.size()) * size_of(dtype));
  std::byte* data = memory->data();
  if (dtype == Dtype::kBf16)
    copy_elements(reinterpret_cast<bfloat16*>(data), stored.bytes.data(), element, part);
  else
    copy_elements(reinterpret_cast<float*>(data), stored.bytes.data(), element, part);
  return Tensor(std::move(memory), data, shape, dtype);
}

bool is_head(const std::string& name) { return name == "lm_head.weight" || name == "embed_out.weight"; }

bool holds_panels(const Json& config, const std::string& where) {
  const auto quantization = formats::quantization_config(config, where);
  return quantization && quantization->method == formats::QuantizationMethod::kPanels;
}

Json read_config(const fs::path& path) {
  Json config = read_json(path);
  if (!config.is_object()) throw Failure(ErrorCode::kDataLoss, path.string() + ": expected an object");
  return config;
}

}  // namespace

std::string format_name(Dtype dtype) { return dtype == Dtype::kBf16 ? "BF16" : "F32"; }

std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role) {
  if (is_vector(role)) return {part.total_rows};
  const int64_t cols = part.shape.cols;
  return part.transposed() ? std::vector{cols, part.total_rows} : std::vector{part.total_rows, cols};
}

WeightSource::WeightSource(const fs::path& path)
    : files_(path),
      where_(path.string()),
      config_name_((path / "config.json").string()),
      config_(read_config(config_name_)),
      panels_(holds_panels(config_, config_name_)) {}

bool WeightSource::load_panels(Parameter& parameter, Shape shape) {
  if (!panels_) return false;
  auto weight = read_panels(files_, parameter.name, shape, where_);
  if (!weight) return false;
  parameter.quantized = std::move(*weight);
  for (const char* part : {"", ".quads", ".scales", ".offsets", ".shape"}) used_.insert(parameter.name + part);
  return true;
}

const formats::StoredTensor& WeightSource::find(const std::string& name) {
  const formats::StoredTensor* found = files_.find(name);
  if (found == nullptr) found = files_.find(name.substr(name.find('.') + 1));
  if (found == nullptr) throw Failure(ErrorCode::kDataLoss, where_ + ": tensor " + name + " is missing");
  used_.insert(found->name);
  return *found;
}

void WeightSource::load(Parameter& parameter, const std::string& tensor, const StoredPart& part, ParameterRole role,
                        Shape shape, Dtype dtype) {
  const std::string where = where_ + ": tensor " + tensor;
  const formats::StoredTensor& stored = find(tensor);
  if (const auto expected = stored_shape(part, role); stored.shape != expected)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: shape [{}], expected [{}]", where,
                                                    fmt::join(stored.shape, ", "), fmt::join(expected, ", ")));
  const ElementAt element = reader_of(stored.dtype, where);
  if (stored.dtype != format_name(dtype) || !part.in_place()) {
    parameter.value = converted(stored, part, shape, dtype, element);
    return;
  }
  const auto offset = static_cast<size_t>(part.at(0)) * size_of(dtype);
  parameter.value = Tensor(stored.owner, const_cast<std::byte*>(stored.bytes.data() + offset), shape, dtype);
}

void WeightSource::load(Parameter& parameter, const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype) {
  const Shape stored = is_vector(role) ? Shape{shape.cols, 1} : shape;
  load(parameter, tensor, {WeightLayout::kRows, stored, 0, stored.rows, 0}, role, shape, dtype);
}

void WeightSource::refuse_unused(bool tied_head) const {
  for (const formats::StoredTensor& stored : files_.tensors()) {
    const std::string& name = stored.name;
    const bool derived = name.ends_with("inv_freq") || name.ends_with("masked_bias") || stored.shape.size() > 2 ||
                         (tied_head && is_head(name));
    if (!derived && !used_.contains(name))
      throw Failure(ErrorCode::kUnimplemented,
                    where_ + ": tensor " + name + " is not part of this architecture as config.json describes it");
  }
}

}  // namespace maru
