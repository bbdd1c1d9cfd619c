#include "formats/integer_weight.h"

#include <algorithm>

#include "formats/quantized_parts.h"

namespace maru::formats {
namespace {

constexpr std::array<int64_t, 8> kAwqSlot{0, 4, 1, 5, 2, 6, 3, 7};  // which nibble of a word holds column k

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

// Scales and zero points of GPTQ and AWQ lie group by group; `zero(g, o)` is unsigned.
template <class Zero>
void set_groups(IntegerWeight& w, const Stored& scales, const Zero& zero) {
  const int64_t middle = int64_t{1} << (w.bits - 1);
  w.groups = scales.rows();
  for (int64_t o = 0; o < w.rows; ++o) {
    for (int64_t g = 0; g < w.groups; ++g) {
      w.scales.push_back(scales.number(g * w.rows + o));
      w.zeros.push_back(static_cast<int8_t>(zero(g, o) - middle));
    }
  }
}

// qweight packs `32 / bits` inputs of one output into a word; qzeros packs outputs.
IntegerWeight gptq_integers(const QuantizationConfig& config, const Parts& parts) {
  if (config.bits != 2 && config.bits != 4 && config.bits != 8)
    parts.unsupported(fmt::format("GPTQ with {} bits is not supported", config.bits));
  const int64_t bits = config.bits, per_word = 32 / bits;
  const uint32_t mask = (1u << bits) - 1, added = config.zero_is_stored_minus_one ? 1 : 0;
  const Stored qweight = parts.get("qweight").expect_matrix("I32"), scales = parts.get("scales");
  const int64_t out = qweight.cols(), in = qweight.rows() * per_word, groups = scales.rows();
  if (scales.cols() != out) scales.misfit(fmt::format("{} columns", out));
  const Stored qzeros = parts.get("qzeros").expect("I32", groups, ceil_div(out, per_word));
  IntegerWeight w{.rows = out, .cols = in, .bits = bits};
  w.group = groups_of(parts, "g_idx", in, groups, config.group_size);
  set_groups(w, scales, [&](int64_t g, int64_t o) {
    const uint32_t stored = qzeros.word(g * qzeros.cols() + o / per_word) >> (o % per_word * bits);
    return static_cast<int64_t>((stored + added) & mask);
  });
  w.read = [=](int64_t first, int64_t rows, int8_t* q) {
    for (int64_t i = 0; i < in; ++i)
      for (int64_t r = 0; r < rows; ++r) {
        const uint32_t stored = qweight.word(i / per_word * out + first + r) >> (i % per_word * bits) & mask;
        q[r * in + i] = static_cast<int8_t>(static_cast<int64_t>(stored) - (int64_t{1} << (bits - 1)));
      }
  };
  return w;
}

// A word holds eight outputs of one input.
IntegerWeight awq_integers(const QuantizationConfig& config, const Parts& parts) {
  if (config.bits != 4) parts.unsupported(fmt::format("AWQ with {} bits is not supported", config.bits));
  const Stored qweight = parts.get("qweight").expect_matrix("I32"), scales = parts.get("scales");
  const int64_t in = qweight.rows(), words = qweight.cols(), out = words * 8, groups = scales.rows();
  if (scales.cols() != out) scales.misfit(fmt::format("{} columns", out));
  const Stored qzeros = parts.get("qzeros").expect("I32", groups, words);
  const auto nibble = [words](const Stored& from, int64_t row, int64_t o) {
    return static_cast<int64_t>(from.word(row * words + o / 8) >> (4 * kAwqSlot[static_cast<size_t>(o % 8)]) & 15);
  };
  IntegerWeight w{.rows = out, .cols = in, .bits = 4};
  w.group = groups_of(parts, "g_idx", in, groups, config.group_size);
  set_groups(w, scales, [&](int64_t g, int64_t o) { return nibble(qzeros, g, o); });
  w.read = [=](int64_t first, int64_t rows, int8_t* q) {
    for (int64_t i = 0; i < in; ++i)
      for (int64_t r = 0; r < rows; ++r) q[r * in + i] = static_cast<int8_t>(nibble(qweight, i, first + r) - 8);
  };
  return w;
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
std::vector<int8_t> packed_zeros(const Parts& parts, const Stored& scale, int64_t bits) {
  const auto stored = parts.find("weight_zero_point");
  if (!stored) return {};
  std::vector<int8_t> zeros(static_cast<size_t>(scale.size()));
  stored->expect("I32", ceil_div(scale.rows() * bits, 32), scale.cols());
  for (int64_t r = 0; r < scale.rows(); ++r)
    for (int64_t g = 0; g < scale.cols(); ++g)
      zeros[static_cast<size_t>(r * scale.cols() + g)] =
          static_cast<int8_t>(packed_value([&](int64_t i) { return stored->word(i * scale.cols() + g); }, r, bits));
  return zeros;
}

IntegerWeight packed_integers(const QuantizationConfig& config, const Parts& parts) {
  if (config.bits < 1 || config.bits > 8) parts.unsupported(fmt::format("{} bits are not supported", config.bits));
  const Stored packed = parts.get("weight_packed").expect_matrix("I32"), shape = parts.get("weight_shape");
  if (shape.size() != 2) shape.misfit("two numbers");
  const int64_t rows = shape.integer(0), cols = shape.integer(1), bits = config.bits;
  if (rows != packed.rows() || cols < 1 || cols > packed.cols() * 32 || ceil_div(cols * bits, 32) != packed.cols())
    packed.misfit(fmt::format("{}-bit numbers of a [{}, {}] weight", bits, rows, cols));
  const Stored scale = parts.get("weight_scale");
  const ScaleGrid grid = grid_of(config, scale, rows, cols);
  IntegerWeight w{.rows = rows, .cols = cols, .bits = bits, .groups = grid.cols, .row_block = grid.row_block};
  w.group = grid.col_block == cols && !parts.find("weight_g_idx")
                ? std::vector<int64_t>(static_cast<size_t>(cols))
                : groups_of(parts, "weight_g_idx", cols, scale.cols(), grid.col_block);
  w.scales = scale.numbers();
  w.zeros = packed_zeros(parts, scale, bits);
  w.read = [=](int64_t first, int64_t count, int8_t* q) {
    for (int64_t r = first; r < first + count; ++r) {
      const auto word = [&](int64_t i) { return packed.word(r * packed.cols() + i); };
      for (int64_t c = 0; c < cols; ++c) *q++ = static_cast<int8_t>(packed_value(word, c, bits));
    }
  };
  return w;
}

IntegerWeight byte_integers(const QuantizationConfig& config, const Parts& parts) {
  const Stored weight = parts.get("weight").expect_matrix("I8"), scale = parts.get("weight_scale");
  const int64_t rows = weight.rows(), cols = weight.cols();
  const ScaleGrid grid = grid_of(config, scale, rows, cols);
  IntegerWeight w{.rows = rows, .cols = cols, .bits = 8, .groups = grid.cols, .row_block = grid.row_block};
  for (int64_t c = 0; c < cols; ++c) w.group.push_back(c / grid.col_block);
  w.scales = scale.numbers();
  if (const auto stored = parts.find("weight_zero_point"))
    for (const float zero : stored->expect("I8", scale.rows(), scale.cols()).numbers())
      w.zeros.push_back(static_cast<int8_t>(zero));
  w.read = [=](int64_t first, int64_t count, int8_t* q) {
    if (count * cols > 0) std::memcpy(q, weight.data() + first * cols, static_cast<size_t>(count * cols));
  };
  return w;
}

FloatMatrix matrix_of(int64_t rows, int64_t cols) {
  return {rows, cols, std::vector<float>(static_cast<size_t>(rows * cols))};
}

FloatMatrix expand(const IntegerWeight& integers) {
  constexpr int64_t kRows = 16;  // together: neighbours share words
  FloatMatrix w = matrix_of(integers.rows, integers.cols);
  std::vector<int8_t> q(static_cast<size_t>(kRows * w.cols));
  for (int64_t first = 0; first < w.rows; first += kRows) {
    const int64_t rows = std::min(kRows, w.rows - first);
    integers.read(first, rows, q.data());
    for (int64_t i = 0; i < rows * w.cols; ++i) {
      const size_t s = integers.scale_at(first + i / w.cols, i % w.cols);
      w.values[static_cast<size_t>(first * w.cols + i)] =
          integers.scales[s] * static_cast<float>(q[static_cast<size_t>(i)] - integers.zero(s));
    }
  }
  return w;
}

// What each of the 256 bytes of an 8-bit float stands for.
std::array<float, 256> byte_values(const Stored& weight) {
  std::array<float, 256> values{};
  for (size_t i = 0; i < values.size(); ++i) {
    const auto byte = static_cast<uint8_t>(i);
    values[i] = weight.dtype() == "F8_E4M3" ? float_of_e4m3(byte) : float_of_e5m2(byte);
  }
  return values;
}

FloatMatrix read_floats(const QuantizationConfig& config, const Parts& parts) {
  const Stored weight = parts.get("weight");
  weight.expect_matrix(weight.dtype());
  const int64_t rows = weight.rows(), cols = weight.cols();
  const auto inverse = parts.find("weight_scale_inv");  // DeepSeek's name; it is multiplied with all the same
  const Stored scale = inverse ? *inverse : parts.get("weight_scale");
  const ScaleGrid grid = grid_of(config, scale, rows, cols);
  const std::array<float, 256> values = byte_values(weight);
  const std::vector<float> scales = scale.numbers();
  FloatMatrix w = matrix_of(rows, cols);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) {
      const auto at = static_cast<size_t>(r * cols + c);
      w.values[at] = scales[static_cast<size_t>(grid.at(r, c))] * values[std::to_integer<size_t>(weight.data()[at])];
    }
  }
  return w;
}

// The tensor that holds the numbers of a weight; nothing when it is not quantized.
std::optional<Stored> stored_numbers(const QuantizationConfig& config, const Parts& parts) {
  switch (config.method) {
    case QuantizationMethod::kGptq:
    case QuantizationMethod::kAwq: return parts.find("qweight");
    case QuantizationMethod::kPacked: return parts.find("weight_packed");
    case QuantizationMethod::kPanels: return parts.get("weight.shape");
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

bool IntegerWeight::shares_scales(int64_t run) const {
  for (int64_t c = 0; c < cols; ++c)
    if (group[static_cast<size_t>(c)] != group[static_cast<size_t>(c / run * run)]) return false;
  return true;
}

bool IntegerWeight::symmetric() const {
  return std::all_of(zeros.begin(), zeros.end(), [](int8_t zero) { return zero == 0; });
}

std::optional<IntegerWeight> read_integers(const QuantizationConfig& config, const TensorLookup& lookup,
                                           const std::string& name, const std::string& where) {
  const auto parts = parts_of(lookup, name, where);
  const auto numbers = parts ? stored_numbers(config, *parts) : std::nullopt;
  if (!numbers) return std::nullopt;
  switch (config.method) {
    case QuantizationMethod::kGptq: return gptq_integers(config, *parts);
    case QuantizationMethod::kAwq: return awq_integers(config, *parts);
    case QuantizationMethod::kPacked: return packed_integers(config, *parts);
    case QuantizationMethod::kPanels: parts->unsupported("is in Maru's panels; `maru export` expands them");
    case QuantizationMethod::kScaled: break;
  }
  return numbers->dtype() == "I8" ? std::optional(byte_integers(config, *parts)) : std::nullopt;
}

std::optional<FloatMatrix> read_quantized(const QuantizationConfig& config, const TensorLookup& lookup,
                                          const std::string& name, const std::string& where) {
  if (const auto integers = read_integers(config, lookup, name, where)) return expand(*integers);
  const auto parts = parts_of(lookup, name, where);
  if (!parts || !stored_numbers(config, *parts)) return std::nullopt;
  return read_floats(config, *parts);
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
