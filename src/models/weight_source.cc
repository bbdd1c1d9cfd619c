#include "models/weight_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "base/float16.h"
#include "formats/block_integers.h"
#include "formats/block_quant.h"
#include "models/quantized_files.h"
#include "ops/quantized.h"

namespace maru {
namespace {

float f32_at(const std::byte* data, int64_t i) { return reinterpret_cast<const float*>(data)[i]; }
float bf16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const bfloat16*>(data)[i]); }
float f16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const float16*>(data)[i]); }

using ElementAt = float (*)(const std::byte*, int64_t);

/// Null: the dtype is none of one number per element.
ElementAt reader_of(const std::string& dtype) {
  return dtype == "F32" ? f32_at : dtype == "BF16" ? bf16_at : dtype == "F16" ? f16_at : nullptr;
}

void store(float value, float* to) { *to = value; }
void store(float value, bfloat16* to) { *to = to_bfloat16(value); }

/// Fills `to` with the numbers of row r of a parameter.
using ReadRow = std::function<void(int64_t r, float* to)>;

template <class T>
void copy_rows(T* to, const ReadRow& read, const StoredPart& part, float offset) {
  std::vector<float> row(static_cast<size_t>(part.shape.cols));
  for (int64_t r = 0; r < part.shape.rows; ++r) {
    read(r, row.data());
    for (const float value : row) store(value - offset, to++);
  }
}

/// Rows that only change places.
void move_rows(std::byte* to, const std::byte* from, const StoredPart& part, size_t width) {
  const size_t bytes = static_cast<size_t>(part.shape.cols) * width;
  for (int64_t r = 0; r < part.shape.rows; ++r, to += bytes)
    std::memcpy(to, from + static_cast<size_t>(part.at(r)) * width, bytes);
}

ReadRow plain_rows(const formats::StoredTensor& stored, const StoredPart& part, ElementAt element) {
  return [&stored, &part, element](int64_t r, float* to) {
    const int64_t at = part.at(r), stride = part.stride();
    for (int64_t c = 0; c < part.shape.cols; ++c) to[c] = element(stored.bytes.data(), at + c * stride);
  };
}

std::span<const std::byte> row_of(const formats::StoredTensor& stored, int64_t row, int64_t cols,
                                  const formats::GgmlLayout& layout) {
  const auto bytes = static_cast<size_t>(cols / layout.block_elements * layout.block_bytes);
  return stored.bytes.subspan(static_cast<size_t>(row) * bytes, bytes);
}

ReadRow block_rows(const formats::StoredTensor& stored, const StoredPart& part, formats::GgmlType type) {
  return [&stored, &part, type](int64_t r, float* to) {
    const int64_t cols = part.shape.cols;
    formats::dequantize(type, row_of(stored, part.row_of(r), cols, formats::layout_of(type)),
                        {to, static_cast<size_t>(cols)});
  };
}

ReadRow matrix_rows(const formats::FloatMatrix& matrix, const StoredPart& part) {
  return [&matrix, &part](int64_t r, float* to) {
    std::copy_n(matrix.values.begin() + part.row_of(r) * matrix.cols, matrix.cols, to);
  };
}

/// Tables and masks that follow from the configuration.
bool is_derived(const std::string& name) {
  return name.ends_with("inv_freq") || name.ends_with("masked_bias") || name == "rope_freqs.weight" ||
         name == "rope_factors_long.weight" || name == "rope_factors_short.weight";
}

StoredConfig config_of_gguf(const formats::GgufFile& file) { return {hugging_face_config(file), file.name()}; }

StoredConfig config_of_directory(const fs::path& directory) {
  const fs::path file = directory / "config.json";
  StoredConfig config{read_json(file), file.string()};
  JsonNode(config.json, config.name, ErrorCode::kDataLoss).object();
  return config;
}

std::optional<GgufArchitecture> architecture_in(const formats::WeightFiles& files) {
  if (files.gguf() == nullptr) return std::nullopt;
  return GgufArchitecture::of_file(*files.gguf());
}

QuantizedKind kind_of(int64_t bits) { return bits <= 4 ? QuantizedKind::kInt4 : QuantizedKind::kInt8; }

}  // namespace

std::string format_name(Dtype dtype) {
  if (dtype == Dtype::kF64) return "F64";
  return dtype == Dtype::kBf16 ? "BF16" : "F32";
}

std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role) {
  if (is_vector(role)) return {part.total_rows};
  const int64_t cols = part.shape.cols;
  return part.transposed() ? std::vector{cols, part.total_rows} : std::vector{part.total_rows, cols};
}

StoredConfig read_stored_config(const fs::path& path) {
  const auto gguf = formats::gguf_file_of(path);
  return gguf ? config_of_gguf(formats::GgufFile::open(*gguf).value()) : config_of_directory(path);
}

WeightSource::WeightSource(const fs::path& path)
    : files_(path),
      where_(path.string()),
      gguf_(architecture_in(files_)),
      config_(files_.gguf() != nullptr ? config_of_gguf(*files_.gguf()) : config_of_directory(path)),
      quantization_(formats::quantization_config(config_.json, config_.name)),
      plain_(files_, quantization_, where_) {
  for (const Item& item : plain_.items()) items_.emplace(item.name, &item);
}

bool WeightSource::has_rotary_pairs() const { return gguf_ && gguf_->has_rotary_pairs(); }

bool WeightSource::load_panels(Parameter& parameter, Shape shape) {
  if (!quantization_ || quantization_->method != formats::QuantizationMethod::kPanels) return false;
  auto weight = read_panels(files_, parameter.name, shape, where_);
  if (!weight) return false;
  parameter.quantized = std::move(*weight);
  for (const char* part : {"", ".quads", ".scales", ".offsets", ".shape"}) used_.insert(parameter.name + part);
  return true;
}

const WeightSource::Item* WeightSource::find_item(const std::string& tensor) const {
  const auto by_name = [&](const std::string& name) {
    const auto it = items_.find(name);
    return it == items_.end() ? nullptr : it->second;
  };
  if (gguf_) {
    const auto place = gguf_->place(tensor);
    return place ? by_name(place->tensor) : nullptr;
  }
  const Item* whole = by_name(tensor);
  return whole != nullptr ? whole : by_name(tensor.substr(tensor.find('.') + 1));
}

WeightSource::Found WeightSource::find(const std::string& tensor, const StoredPart& part, ParameterRole role) {
  const Item* item = find_item(tensor);
  const std::string where = where_ + ": tensor " + tensor;
  if (item == nullptr) throw Failure(ErrorCode::kDataLoss, where + " is missing");
  used_.insert(item->name);
  Found found{*item, part, 0};
  std::vector<int64_t> expected = stored_shape(part, role);
  if (gguf_) expected = place_in_gguf(found, tensor, role);
  if (item->shape != expected)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: shape [{}], expected [{}]", where,
                                                    fmt::join(item->shape, ", "), fmt::join(expected, ", ")));
  return found;
}

/// As the parameter's part lies in GGUF's tensor: the shape that this must have.
std::vector<int64_t> WeightSource::place_in_gguf(Found& found, const std::string& tensor, ParameterRole role) const {
  StoredPart& part = found.part;
  if (const int64_t heads = gguf_->reordered_heads(tensor); heads > 0) {
    const bool kept = part.layout == WeightLayout::kRotaryHalves;
    part.layout = kept ? WeightLayout::kRows : WeightLayout::kRotaryPairs;
    part.head_dim = part.shape.rows / heads;
  }
  // What is transposed or takes turns in Hugging Face's files is neither here.
  if (part.layout == WeightLayout::kTransposed || part.layout == WeightLayout::kInterleaved)
    part.layout = WeightLayout::kRows;
  found.offset = static_cast<float>(gguf_->norm_offset(tensor));
  std::vector<int64_t> shape = stored_shape(part, role);
  const int64_t expert = gguf_->place(tensor)->expert;
  if (expert < 0) return shape;
  part.first_row += expert * part.total_rows;  // experts are stacked
  part.total_rows *= gguf_->experts();
  shape.insert(shape.begin(), gguf_->experts());
  return shape;
}

Tensor WeightSource::expanded(const Found& found, Shape shape, Dtype dtype) const {
  const Tensor to = host_tensor(shape, dtype);
  const auto fill = [&](const ReadRow& read) {
    if (dtype == Dtype::kBf16)
      copy_rows(to.data<bfloat16>(), read, found.part, found.offset);
    else
      copy_rows(to.data<float>(), read, found.part, found.offset);
    return to;
  };
  if (found.item.dtype.empty()) {
    const auto matrix = formats::read_quantized(*quantization_, files_.lookup(), found.item.name, where_);
    return fill(matrix_rows(matrix.value(), found.part));
  }
  const formats::StoredTensor& stored = *files_.find(found.item.name);
  if (stored.dtype == format_name(dtype) && !found.part.transposed() && found.offset == 0) {
    move_rows(to.data<std::byte>(), stored.bytes.data(), found.part, size_of(dtype));
    return to;
  }
  if (const ElementAt element = reader_of(stored.dtype)) return fill(plain_rows(stored, found.part, element));
  const auto type = formats::ggml_type_named(stored.dtype);
  if (!gguf_ || !type || !formats::can_dequantize(*type))
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: tensor {}: dtype: expected F32, BF16 or F16, got {}",
                                                         where_, stored.name, stored.dtype));
  return fill(block_rows(stored, found.part, *type));
}

void WeightSource::load(Parameter& parameter, const std::string& tensor, const StoredPart& part, ParameterRole role,
                        Shape shape, Dtype dtype) {
  const Found found = find(tensor, part, role);
  const formats::StoredTensor* stored = files_.find(found.item.name);
  if (found.item.dtype == format_name(dtype) && found.part.in_place() && found.offset == 0) {
    const auto offset = static_cast<size_t>(found.part.at(0)) * size_of(dtype);
    parameter.value = Tensor(stored->owner, const_cast<std::byte*>(stored->bytes.data() + offset), shape, dtype);
    return;
  }
  parameter.value = expanded(found, shape, dtype);
  if (stored != nullptr) stored->owner->release(stored->bytes);
}

void WeightSource::load(Parameter& parameter, const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype) {
  const Shape stored = is_vector(role) ? Shape{shape.cols, 1} : shape;
  load(parameter, tensor, {WeightLayout::kRows, stored, 0, stored.rows, 0}, role, shape, dtype);
}

std::optional<QuantizedWeight> WeightSource::mapped_blocks(const Found& found) const {
  const formats::StoredTensor& stored = *files_.find(found.item.name);
  const formats::GgmlType type = formats::ggml_type_named(stored.dtype).value();
  const formats::IntegerForm form = formats::integer_form(type).value();
  const StoredPart& part = found.part;
  if (!form.as_stored || !part.in_place() || part.shape.cols % formats::kIntegerGroup != 0) return std::nullopt;
  const auto row = row_of(stored, 0, part.shape.cols, formats::layout_of(type)).size();
  const auto blocks =
      stored.bytes.subspan(static_cast<size_t>(part.row_of(0)) * row, static_cast<size_t>(part.shape.rows) * row);
  const Shape bytes{1, static_cast<int64_t>(blocks.size())};
  return quantized_blocks(kind_of(form.bits), part.shape,
                          Tensor(stored.owner, const_cast<std::byte*>(blocks.data()), bytes, Dtype::kU8));
}

QuantizedWeight WeightSource::packed_blocks(const HostStream& host, const Found& found) const {
  const formats::StoredTensor& stored = *files_.find(found.item.name);
  const formats::GgmlType type = formats::ggml_type_named(stored.dtype).value();
  const formats::IntegerForm form = formats::integer_form(type).value();
  const int64_t cols = found.part.shape.cols, groups = cols / formats::kIntegerGroup;
  const auto read = [&](int64_t first, int64_t rows, int8_t* q, float* scales, float* offsets) {
    for (int64_t r = 0; r < rows; ++r)
      formats::to_integers(type, row_of(stored, found.part.row_of(first + r), cols, formats::layout_of(type)),
                           {q + r * cols, scales + r * groups, offsets == nullptr ? nullptr : offsets + r * groups});
  };
  QuantizedWeight weight = pack_quantized(host, kind_of(form.bits), found.part.shape, form.has_offsets, read);
  stored.owner->release(stored.bytes);
  return weight;
}

QuantizedWeight WeightSource::packed_integers(const HostStream& host, const StoredPart& part,
                                              const formats::IntegerWeight& w) const {
  const int64_t cols = part.shape.cols, groups = (cols + formats::kIntegerGroup - 1) / formats::kIntegerGroup;
  const auto read = [&](int64_t first, int64_t rows, int8_t* q, float* scales, float* offsets) {
    if (part.in_place())
      w.read(part.row_of(first), rows, q);
    else
      for (int64_t r = 0; r < rows; ++r) w.read(part.row_of(first + r), 1, q + r * cols);
    for (int64_t i = 0; i < rows * groups; ++i) {
      const size_t at = w.scale_at(part.row_of(first + i / groups), i % groups * formats::kIntegerGroup);
      scales[i] = w.scales[at];
      if (offsets != nullptr) offsets[i] = -w.scales[at] * static_cast<float>(w.zero(at));
    }
  };
  return pack_quantized(host, kind_of(w.bits), part.shape, !w.symmetric(), read);
}

bool WeightSource::load_quantized(const HostStream& host, Parameter& parameter, const std::string& tensor,
                                  const StoredPart& part) {
  const Found found = find(tensor, part, ParameterRole::kMatrix);
  if (found.part.transposed() || found.offset != 0) return false;
  try {
    if (found.item.dtype.empty()) {
      const auto integers = formats::read_integers(*quantization_, files_.lookup(), found.item.name, where_);
      if (!integers || !integers->shares_scales(formats::kIntegerGroup)) return false;
      parameter.quantized = packed_integers(host, found.part, *integers);
      return true;
    }
    const auto type = formats::ggml_type_named(found.item.dtype);
    if (!gguf_ || !type || !formats::integer_form(*type)) return false;
    auto mapped = mapped_blocks(found);
    parameter.quantized = mapped ? std::move(*mapped) : packed_blocks(host, found);
    return true;
  } catch (const Failure& failure) {
    throw Failure(failure.code(), fmt::format("{}: tensor {}: {}", where_, found.item.name, failure.what()));
  }
}

void WeightSource::refuse_unused(const std::string& tied_head) const {
  const Item* head = tied_head.empty() ? nullptr : find_item(tied_head);
  for (const Item& item : plain_.items()) {
    const bool ignored = is_derived(item.name) || (!gguf_ && item.shape.size() > 2) || &item == head;
    if (!ignored && !used_.contains(item.name))
      throw Failure(ErrorCode::kUnimplemented,
                    where_ + ": tensor " + item.name + " is not part of this architecture as config.json describes it");
  }
}

}  // namespace maru
