// Quantized weights in safetensors, as other programs write them, as integers or expanded to f32: GPTQ, AWQ,
// compressed-tensors (packed integers, int8, fp8) and fp8 with block scales. Layouts are in
// docs/formats/quantized-safetensors.md. Pure functions, thread-safe. Lengths are checked against each other before
// anything is read.
#pragma once
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/safetensors.h"

namespace maru::formats {

enum class QuantizationMethod : uint8_t {
  kGptq,
  kAwq,
  kPacked,  // compressed-tensors "pack-quantized"
  kPanels,  // Maru's own (docs/formats/maru-quantized.md): used as they are by models/, never expanded here
  kScaled,  // int8 or fp8 elements times scales: compressed-tensors "int-quantized", "float-quantized", and "fp8"
};

/// What `quantization_config` of a config.json says about the stored weights.
struct QuantizationConfig {
  QuantizationMethod method = QuantizationMethod::kScaled;
  std::string name;  // as in the file, for people: "gptq", "compressed-tensors pack-quantized"
  int64_t bits = 8;
  int64_t group_size = 0;                // elements of a row that share a scale; 0: all
  std::array<int64_t, 2> block{0, 0};    // rows and columns that share a scale; 0: not in blocks
  bool zero_is_stored_minus_one = true;  // GPTQ before its version 2
  bool act_order = false;                // columns of a group may lie anywhere in the row
};

/// Nothing when the model is not quantized. Throws kUnimplemented for a method this build cannot read, naming it.
std::optional<QuantizationConfig> quantization_config(const Json& config, const std::string& where);

/// A tensor by its full name, or null.
using TensorLookup = std::function<const SafetensorsEntry*(const std::string& name)>;

/// A weight of integers as it is stored: element (r, c) is scale · (q − zero), both those of its group.
struct IntegerWeight {
  int64_t rows = 0, cols = 0;
  int64_t bits = 8;            // q and zero lie in [-2^(bits-1), 2^(bits-1))
  int64_t groups = 1;          // of a row
  int64_t row_block = 1;       // rows that share scales
  std::vector<int64_t> group;  // of each column
  std::vector<float> scales;   // [ceil(rows / row_block), groups]
  std::vector<int8_t> zeros;   // likewise; empty: all are 0
  /// Fills `q` [num_rows, cols]. Reads the stored tensors, which must still be there; safe to call from many threads.
  std::function<void(int64_t first_row, int64_t num_rows, int8_t* q)> read;

  size_t scale_at(int64_t row, int64_t col) const {
    return static_cast<size_t>(row / row_block * groups + group[static_cast<size_t>(col)]);
  }
  int zero(size_t scale) const { return zeros.empty() ? 0 : zeros[scale]; }
  /// Whether all columns of each run of `run` have the same group.
  bool shares_scales(int64_t run) const;
  bool symmetric() const;
};

/// [rows, cols], row-major: a Linear's [out, in].
struct FloatMatrix {
  int64_t rows = 0, cols = 0;
  std::vector<float> values;
};

/// The weight NAME ("….q_proj.weight") from the tensors beside it; nothing when it is stored as plain numbers or not at
/// all.
///
/// Throws   kDataLoss when a tensor that belongs to it is missing or has the wrong shape; kUnimplemented for layouts
///          that are not supported. Messages begin with `where`.
/// Cost     one pass over the stored tensor, and rows · cols floats.
/// Source   GPTQ: AutoGPTQ's QuantLinear; AWQ: AutoAWQ's WQLinear_GEMM; compressed-tensors: pack_to_int32 and
///          dequantize; block scales: DeepSeek-V3, arXiv:2412.19437 §3.3.
std::optional<FloatMatrix> read_quantized(const QuantizationConfig& config, const TensorLookup& lookup,
                                          const std::string& name, const std::string& where);

/// The same as integers; nothing also when it is stored as 8-bit floats.
/// Cost     its scales; the integers are read when they are asked for.
std::optional<IntegerWeight> read_integers(const QuantizationConfig& config, const TensorLookup& lookup,
                                           const std::string& name, const std::string& where);

/// Rows and columns of what read_quantized gives, from the headers alone; the same errors.
std::optional<std::array<int64_t, 2>> quantized_shape(const QuantizationConfig& config, const TensorLookup& lookup,
                                                      const std::string& name, const std::string& where);

}  // namespace maru::formats
