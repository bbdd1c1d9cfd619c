// Quantized weights in safetensors, as other programs write them, expanded to f32: GPTQ, AWQ, compressed-tensors
// (packed integers, int8, fp8) and fp8 with block scales. Layouts are in docs/formats/quantized-safetensors.md.
// Pure functions, thread-safe. Lengths are checked against each other before anything is read.
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
};

/// Nothing when the model is not quantized. Throws kUnimplemented for a method this build cannot read, naming it.
std::optional<QuantizationConfig> quantization_config(const Json& config, const std::string& where);

/// A tensor by its full name, or null.
using TensorLookup = std::function<const SafetensorsEntry*(const std::string& name)>;

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

/// Rows and columns of what read_quantized gives, from the headers alone; the same errors.
std::optional<std::array<int64_t, 2>> quantized_shape(const QuantizationConfig& config, const TensorLookup& lookup,
                                                      const std::string& name, const std::string& where);

}  // namespace maru::formats
