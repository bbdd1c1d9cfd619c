#include "formats/quantized_weight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/bfloat16.h"
#include "base/float16.h"
#include "base/json.h"

namespace maru::formats {
namespace {

constexpr std::array<int64_t, 8> kAwqSlot{0, 4, 1, 5, 2, 6, 3, 7};  // which nibble of a word holds column k

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// A stored tensor whose shape and dtype were checked, read element by element.
class Stored {
 public:
  Stored(const SafetensorsEntry& entry, std::string where) : entry_(&entry), where_(std::move(where)) {}

  int64_t rows() const { return entry_->shape.empty() ? 1 : entry_->shape.front(); }
  int64_t cols() const { return entry_->shape.size() < 2 ? 1 : entry_->shape[1]; }
  int64_t size() const { return rows() * cols(); }
  const std::string& dtype() const { return entry_->dtype; }
  const std::byte* data() const { return entry_->bytes.data(); }

  [[noreturn]] void misfit(const std::string& expected) const {
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: expected {}, got {} of shape [{}]", where_, expected,
                                                    entry_->dtype, fmt::join(entry_->shape, ", ")));
  }
  const Stored& expect(std::string_view dtype, int64_t rows, int64_t cols) const {
    if (entry_->dtype != dtype || this->rows() != rows || this->cols() != cols || entry_->shape.size() > 2)
      misfit(fmt::format("{} of shape [{}, {}]", dtype, rows, cols));
    return *this;
  }
  const Stored& expect_matrix(std::string_view dtype) const {
    if (entry_->dtype != dtype || entry_->shape.size() != 2) misfit(fmt::format("a matrix of {}", dtype));
    return *this;
  }
  uint32_t word(int64_t i) const { return load<uint32_t>(data() + 4 * i); }
  float number(int64_t i) const {
    if (dtype() == "F32") return load<float>(data() + 4 * i);
    if (dtype() == "F16") return to_float(load<float16>(data() + 2 * i));
    if (dtype() == "BF16") return to_float(load<bfloat16>(data() + 2 * i));
    if (dtype() == "I8") return static_cast<float>(load<int8_t>(data() + i));
    if (dtype() == "F8_E4M3") return float_of_e4m3(load<uint8_t>(data() + i));
    if (dtype() == "F8_E5M2") return float_of_e5m2(load<uint8_t>(data() + i));
    if (dtype() == "F8_E8M0") return std::ldexp(1.0f, load<uint8_t>(data() + i) - 127);
    misfit("numbers");
  }
  std::vector<float> numbers() const {
    std::vector<float> all(static_cast<size_t>(size()));
    for (int64_t i = 0; i < size(); ++i) all[static_cast<size_t>(i)] = number(i);
    return all;
  }
  int64_t integer(int64_t i) const {
    if (dtype() == "I64") return load<int64_t>(data() + 8 * i);
    if (dtype() == "I32") return load<int32_t>(data() + 4 * i);
    misfit("integers");
  }

 private:
  const SafetensorsEntry* entry_;
  std::string where_;
};

/// The tensors that together are one weight.
class Parts {
 public:
  Parts(const TensorLookup& lookup, std::string stem, const std::string& where)
      : lookup_(lookup), stem_(std::move(stem)), where_(where) {}

  std::optional<Stored> find(const std::string& part) const {
    const SafetensorsEntry* entry = lookup_(stem_ + part);
    return entry == nullptr ? std::nullopt : std::optional(Stored(*entry, named(part)));
  }
  Stored get(const std::string& part) const {
    const auto found = find(part);
    if (!found) throw Failure(ErrorCode::kDataLoss, named(part) + " is missing");
    return *found;
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, named("weight") + ": " + what);
  }

 private:
  std::string named(const std::string& part) const { return where_ + ": tensor " + stem_ + part; }
  const TensorLookup& lookup_;
  std::string stem_;
  const std::string& where_;
};

/// The scale of every element of a row: which group each column belongs to.
std::vector<int64_t> groups_of(const Parts& parts, const std::string& index, int64_t cols, int64_t groups,
                               int64_t group_size) {
  std::vector<int64_t> group(static_cast<size_t>(cols));
  const auto stored = parts.find(index);
  if (stored && stored->size() == cols) {
    stored->expect("I32", cols, 1);
    for (int64_t i = 0; i < cols; ++i) {
      group[static_cast<size_t>(i)] = stored->integer(i);
      if (stored->integer(i) < 0 || stored->integer(i) >= groups)
        stored->misfit(fmt::format("group numbers below {} (found {})", groups, stored->integer(i)));
    }
    return group;
  }
  const int64_t size = group_size > 0 ? group_size : cols;
  if (ceil_div(cols, size) != groups)
    parts.get(index.starts_with("weight") ? "weight_scale" : "scales")
        .misfit(fmt::format("{} groups of {} for {} columns", ceil_div(cols, size), size, cols));
  for (int64_t i = 0; i < cols; ++i) group[static_cast<size_t>(i)] = i / size;
  return group;
}

FloatMatrix matrix_of(int64_t rows, int64_t cols) {
  return {rows, cols, std::vector<float>(static_cast<size_t>(rows * cols))};
}

/// Integer weights, zero points and scales of a matrix that is stored [in, out], as the functions give them.
template <class Weight, class Zero>
FloatMatrix expand(int64_t in, int64_t out, const std::vector<int64_t>& group, const Stored& scales,
                   const Weight& weight, const Zero& zero) {
  const std::vector<float> scale = scales.numbers();
  std::vector<int32_t> zeros(scale.size());
  for (int64_t g = 0; g < scales.rows(); ++g)
    for (int64_t o = 0; o < out; ++o) zeros[static_cast<size_t>(g * out + o)] = zero(g, o);
  FloatMatrix w = matrix_of(out, in);
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      const auto at = static_cast<size_t>(group[static_cast<size_t>(i)] * out + o);
      w.values[static_cast<size_t>(o * in + i)] = scale[at] * static_cast<float>(weight(i, o) - zeros[at]);
    }
  }
  return w;
}

// qweight packs `32 / bits` inputs of one output into a word; qzeros packs outputs.
FloatMatrix read_gptq(const QuantizationConfig& config, const Parts& parts) {
  if (config.bits != 2 && config.bits != 4 && config.bits != 8)
    parts.unsupported(fmt::format("GPTQ with {} bits is not supported", config.bits));
  const int64_t bits = config.bits, per_word = 32 / bits;
  const uint32_t mask = (1u << bits) - 1, added = config.zero_is_stored_minus_one ? 1 : 0;
  const Stored qweight = parts.get("qweight").expect_matrix("I32"), scales = parts.get("scales");
  const int64_t out = qweight.cols(), in = qweight.rows() * per_word, groups = scales.rows();
  if (scales.cols() != out) scales.misfit(fmt::format("{} columns", out));
  const Stored qzeros = parts.get("qzeros").expect("I32", groups, ceil_div(out, per_word));
  return expand(
      in, out, groups_of(parts, "g_idx", in, groups, config.group_size), scales,
      [&](int64_t i, int64_t o) {
        return static_cast<int32_t>(qweight.word(i / per_word * out + o) >> (i % per_word * bits) & mask);
      },
      [&](int64_t g, int64_t o) {
        const uint32_t stored = qzeros.word(g * qzeros.cols() + o / per_word) >> (o % per_word * bits);
        return static_cast<int32_t>((stored + added) & mask);
      });
}

// A word holds eight outputs of one input.
FloatMatrix read_awq(const QuantizationConfig& config, const Parts& parts) {
  if (config.bits != 4) parts.unsupported(fmt::format("AWQ with {} bits is not supported", config.bits));
  const Stored qweight = parts.get("qweight").expect_matrix("I32"), scales = parts.get("scales");
  const int64_t in = qweight.rows(), words = qweight.cols(), out = words * 8, groups = scales.rows();
  if (scales.cols() != out) scales.misfit(fmt::format("{} columns", out));
  const Stored qzeros = parts.get("qzeros").expect("I32", groups, words);
  const auto nibble = [&](const Stored& from, int64_t row, int64_t o) {
    return static_cast<int32_t>(from.word(row * words + o / 8) >> (4 * kAwqSlot[static_cast<size_t>(o % 8)]) & 15);
  };
  return expand(
      in, out, groups_of(parts, "g_idx", in, groups, config.group_size), scales,
      [&](int64_t i, int64_t o) { return nibble(qweight, i, o); },
      [&](int64_t g, int64_t o) { return nibble(qzeros, g, o); });
}

// Element i of a densely packed row begins at bit i · bits; values are stored with 2^(bits-1) added.
template <class Word>
int32_t packed_value(const Word& word, int64_t i, int64_t bits) {
  const int64_t bit = i * bits, at = bit / 32;
  uint64_t window = word(at);
  if (bit % 32 + bits > 32) window |= uint64_t{word(at + 1)} << 32;
  return static_cast<int32_t>(window >> (bit % 32) & ((1u << bits) - 1)) - (1 << (bits - 1));
}

/// Where the scale of element (row, column) lies.
struct ScaleGrid {
  int64_t row_block, col_block, cols;
  int64_t at(int64_t row, int64_t col) const { return row / row_block * cols + col / col_block; }
};

// One scale per tensor, per row, per group of a row, or per block.
ScaleGrid grid_of(const QuantizationConfig& config, const Stored& scale, int64_t rows, int64_t cols) {
  const int64_t width = config.block[1] > 0 ? config.block[1] : config.group_size;
  const ScaleGrid grid{.row_block = scale.rows() == rows  ? 1
                                    : config.block[0] > 0 ? config.block[0]
                                                          : rows,
                       .col_block = scale.cols() == 1 || width <= 0 ? cols : width,
                       .cols = scale.cols()};
  if (scale.size() == 0 || ceil_div(rows, std::max<int64_t>(1, grid.row_block)) != scale.rows() ||
      ceil_div(cols, std::max<int64_t>(1, grid.col_block)) != scale.cols())
    scale.misfit(fmt::format("one scale per tensor, row, group or block of a [{}, {}] weight", rows, cols));
  return grid;
}

// The zero point beside every scale; packed along the rows.
std::vector<int32_t> packed_zeros(const Parts& parts, const Stored& scale, int64_t bits) {
  std::vector<int32_t> zeros(static_cast<size_t>(scale.size()));
  const auto stored = parts.find("weight_zero_point");
  if (!stored) return zeros;
  stored->expect("I32", ceil_div(scale.rows() * bits, 32), scale.cols());
  for (int64_t r = 0; r < scale.rows(); ++r)
    for (int64_t g = 0; g < scale.cols(); ++g)
      zeros[static_cast<size_t>(r * scale.cols() + g)] =
          packed_value([&](int64_t i) { return stored->word(i * scale.cols() + g); }, r, bits);
  return zeros;
}

FloatMatrix read_packed(const QuantizationConfig& config, const Parts& parts) {
  const Stored packed = parts.get("weight_packed").expect_matrix("I32"), shape = parts.get("weight_shape");
  if (shape.size() != 2) shape.misfit("two numbers");
  const int64_t rows = shape.integer(0), cols = shape.integer(1), bits = config.bits;
  if (rows != packed.rows() || cols < 1 || cols > packed.cols() * 32 || ceil_div(cols * bits, 32) != packed.cols())
    packed.misfit(fmt::format("{}-bit numbers of a [{}, {}] weight", bits, rows, cols));
  const Stored scale = parts.get("weight_scale");
  const ScaleGrid grid = grid_of(config, scale, rows, cols);
  std::vector<int64_t> group = grid.col_block == cols && !parts.find("weight_g_idx")
                                   ? std::vector<int64_t>(static_cast<size_t>(cols))
                                   : groups_of(parts, "weight_g_idx", cols, scale.cols(), grid.col_block);
  const std::vector<float> scales = scale.numbers();
  const std::vector<int32_t> zeros = packed_zeros(parts, scale, bits);
  FloatMatrix w = matrix_of(rows, cols);
  for (int64_t r = 0; r < rows; ++r) {
    const auto word = [&](int64_t i) { return packed.word(r * packed.cols() + i); };
    for (int64_t c = 0; c < cols; ++c) {
      const auto s = static_cast<size_t>(r / grid.row_block * grid.cols + group[static_cast<size_t>(c)]);
      w.values[static_cast<size_t>(r * cols + c)] =
          scales[s] * static_cast<float>(packed_value(word, c, bits) - zeros[s]);
    }
  }
  return w;
}

// What each of the 256 bytes of an 8-bit type stands for.
std::array<float, 256> byte_values(const Stored& weight) {
  std::array<float, 256> values{};
  for (size_t i = 0; i < values.size(); ++i) {
    const auto byte = static_cast<uint8_t>(i);
    values[i] = weight.dtype() == "I8"        ? static_cast<float>(static_cast<int8_t>(byte))
                : weight.dtype() == "F8_E4M3" ? float_of_e4m3(byte)
                                              : float_of_e5m2(byte);
  }
  return values;
}

FloatMatrix read_scaled(const QuantizationConfig& config, const Parts& parts) {
  const Stored weight = parts.get("weight");
  weight.expect_matrix(weight.dtype());
  const int64_t rows = weight.rows(), cols = weight.cols();
  const auto inverse = parts.find("weight_scale_inv");  // DeepSeek's name; it is multiplied with all the same
  const Stored scale = inverse ? *inverse : parts.get("weight_scale");
  const ScaleGrid grid = grid_of(config, scale, rows, cols);
  const std::array<float, 256> values = byte_values(weight);
  const std::vector<float> scales = scale.numbers();
  std::vector<float> zeros(scales.size());
  if (const auto stored = parts.find("weight_zero_point"))
    zeros = stored->expect("I8", scale.rows(), scale.cols()).numbers();
  FloatMatrix w = matrix_of(rows, cols);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      const auto s = static_cast<size_t>(grid.at(r, c)), at = static_cast<size_t>(r * cols + c);
      w.values[at] = scales[s] * (values[std::to_integer<size_t>(weight.data()[at])] - zeros[s]);
    }
  }
  return w;
}

// --- the configuration
// -------------------------------------------------------------------------------------------------

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, where + ": quantization_config: " + what + " is not supported");
}

int64_t integer_of(const Json& json, const char* key, int64_t otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return otherwise;
  if (!it->is_number_integer() || it->get<int64_t>() < -1 || it->get<int64_t>() > (1 << 24))
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: quantization_config: {}: expected a number, got {}", where, key, it->dump()));
  return it->get<int64_t>();
}

std::string text_of(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

std::array<int64_t, 2> block_of(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) return {0, 0};
  if (!it->is_array() || it->size() != 2 || !(*it)[0].is_number_unsigned() || !(*it)[1].is_number_unsigned())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: quantization_config: {}: expected two numbers, got {}", where, key, it->dump()));
  return {(*it)[0].get<int64_t>(), (*it)[1].get<int64_t>()};
}

// All groups of layers must be stored alike; which layers are quantized at all shows in the tensors.
QuantizationConfig compressed_tensors(const Json& json, const std::string& where) {
  const std::string format = text_of(json, "format");
  QuantizationConfig config{.name = "compressed-tensors " + format};
  if (format == "pack-quantized")
    config.method = QuantizationMethod::kPacked;
  else if (format != "int-quantized" && format != "float-quantized" && format != "naive-quantized")
    unsupported(where, "compressed-tensors format \"" + format + "\"");
  const auto groups = json.find("config_groups");
  if (groups == json.end() || !groups->is_object() || groups->empty())
    throw Failure(ErrorCode::kInvalidArgument, where + ": quantization_config: config_groups: expected an object");
  bool first = true;
  for (const Json& group : *groups) {
    const Json weights = group.is_object() ? group.value("weights", Json()) : Json();
    if (!weights.is_object()) continue;
    const int64_t bits = integer_of(weights, "num_bits", 8, where);
    const int64_t size = std::max<int64_t>(0, integer_of(weights, "group_size", 0, where));
    const std::array<int64_t, 2> block = block_of(weights, "block_structure", where);
    if (!first && (bits != config.bits || size != config.group_size || block != config.block))
      unsupported(where, "groups of layers that are stored differently");
    config.bits = bits, config.group_size = size, config.block = block, first = false;
  }
  if (config.bits < 1 || config.bits > 8) unsupported(where, fmt::format("{} bits", config.bits));
  return config;
}

}  // namespace

std::optional<QuantizationConfig> quantization_config(const Json& config, const std::string& where) {
  const auto it = config.find("quantization_config");
  if (it == config.end() || !it->is_object()) return std::nullopt;
  const std::string method = text_of(*it, "quant_method");
  QuantizationConfig result{.name = method};
  result.bits = integer_of(*it, "bits", 4, where);
  result.group_size = std::max<int64_t>(0, integer_of(*it, "group_size", 0, where));
  if (method == "compressed-tensors") return compressed_tensors(*it, where);
  if (method == "gptq") {
    result.method = QuantizationMethod::kGptq;
    result.zero_is_stored_minus_one = text_of(*it, "checkpoint_format") != "gptq_v2";
  } else if (method == "awq") {
    result.method = QuantizationMethod::kAwq;
    if (const std::string version = text_of(*it, "version"); !version.empty() && version != "gemm" && version != "GEMM")
      unsupported(where, "AWQ version \"" + version + "\"");
  } else if (method == "maru") {
    result.method = QuantizationMethod::kPanels;
    if (const int64_t version = integer_of(*it, "version", 0, where); version != 1)
      unsupported(where, fmt::format("version {} of \"maru\"", version));
    if (result.group_size != 32) unsupported(where, fmt::format("group_size {} of \"maru\"", result.group_size));
    if (result.bits != 4 && result.bits != 8) unsupported(where, fmt::format("{} bits of \"maru\"", result.bits));
  } else if (method == "fp8") {
    result.bits = 8;
    result.block = block_of(*it, "weight_block_size", where);
  } else {
    unsupported(where, "quant_method \"" + method + "\"");
  }
  return result;
}

namespace {

// The tensor that holds the numbers of a weight; nothing when it is not quantized.
std::optional<Stored> stored_numbers(const QuantizationConfig& config, const Parts& parts) {
  switch (config.method) {
    case QuantizationMethod::kGptq:
    case QuantizationMethod::kAwq: return parts.find("qweight");
    case QuantizationMethod::kPacked: return parts.find("weight_packed");
    case QuantizationMethod::kPanels: return parts.find("weight.shape");
    case QuantizationMethod::kScaled: break;
  }
  const auto weight = parts.find("weight");
  const bool scaled =
      weight && (weight->dtype() == "I8" || weight->dtype() == "F8_E4M3" || weight->dtype() == "F8_E5M2");
  return scaled ? weight : std::nullopt;
}

// Rows and columns as they are stored, where the panels are as many as they ask for.
std::array<int64_t, 2> panel_shape(const Parts& parts, const Stored& shape) {
  constexpr int64_t kMost = int64_t{1} << 32;
  shape.expect("I64", 2, 1);
  const int64_t rows = shape.integer(0), cols = shape.integer(1);
  if (rows < 1 || cols < 1 || rows > kMost || cols > kMost)
    shape.misfit(fmt::format("rows and columns of a matrix (found {}, {})", rows, cols));
  const Stored quads = parts.get("weight.quads").expect_matrix("U8");
  const int64_t panels = ceil_div(rows, 16), groups = ceil_div(cols, 32);
  if (quads.rows() != panels || (quads.cols() != groups * 256 && quads.cols() != groups * 512))
    quads.misfit(fmt::format("U8 of shape [{}, {}] or [{}, {}]", panels, groups * 512, panels, groups * 256));
  return {rows, cols};
}

std::optional<Parts> parts_of(const TensorLookup& lookup, const std::string& name, const std::string& where) {
  constexpr std::string_view kWeight = "weight";
  if (!name.ends_with(".weight")) return std::nullopt;
  return Parts(lookup, name.substr(0, name.size() - kWeight.size()), where);
}

}  // namespace

std::optional<FloatMatrix> read_quantized(const QuantizationConfig& config, const TensorLookup& lookup,
                                          const std::string& name, const std::string& where) {
  const auto parts = parts_of(lookup, name, where);
  if (!parts || !stored_numbers(config, *parts)) return std::nullopt;
  switch (config.method) {
    case QuantizationMethod::kGptq: return read_gptq(config, *parts);
    case QuantizationMethod::kAwq: return read_awq(config, *parts);
    case QuantizationMethod::kPacked: return read_packed(config, *parts);
    case QuantizationMethod::kPanels: parts->unsupported("is in Maru's panels; `maru export` expands them");
    case QuantizationMethod::kScaled: break;
  }
  return read_scaled(config, *parts);
}

std::optional<std::array<int64_t, 2>> quantized_shape(const QuantizationConfig& config, const TensorLookup& lookup,
                                                      const std::string& name, const std::string& where) {
  const auto parts = parts_of(lookup, name, where);
  const auto numbers = parts ? stored_numbers(config, *parts) : std::nullopt;
  if (!numbers) return std::nullopt;
  if (config.method == QuantizationMethod::kPanels) return panel_shape(*parts, *numbers);
  numbers->expect_matrix(numbers->dtype());
  if (config.method == QuantizationMethod::kGptq)
    return std::array{numbers->cols(), numbers->rows() * 32 / std::max<int64_t>(1, config.bits)};
  if (config.method == QuantizationMethod::kAwq) return std::array{numbers->cols() * 8, numbers->rows()};
  if (config.method == QuantizationMethod::kScaled) return std::array{numbers->rows(), numbers->cols()};
  const Stored shape = parts->get("weight_shape");
  if (shape.size() != 2) shape.misfit("two numbers");
  return std::array{shape.integer(0), shape.integer(1)};
}

}  // namespace maru::formats
