// A safetensors model of any stored kind, written anew as plain safetensors. Tensor by tensor, so that memory is that
// of the largest one. Not thread-safe.
#pragma once
#include <functional>
#include <string>

#include "formats/weight_files.h"

namespace maru::formats {

/// Called with the number of elements written so far.
using ConvertProgress = std::function<void(uint64_t elements)>;

struct ConvertResult {
  GgmlType type = GgmlType::kBf16;
  int64_t tensors = 0, elements = 0;
  uint64_t bytes = 0;  // of the file or files
};

/// The matrices' type when nobody asks for one: what most elements have, bf16 for quantized ones.
GgmlType natural_type(const PlainWeights& weights);

/// Throws kUnimplemented for types that are not written, `gguf` or safetensors.
void require_writable(GgmlType type, bool gguf);
/// Numbers as they are stored. Throws kInvalidArgument, naming the tensor, for what the type cannot hold: it is refused
/// rather than written as infinity.
std::vector<std::byte> packed_values(GgmlType type, std::span<const float> values, const std::string& name);

/// Changes a tensor's values before they are written.
using WeightEdit = std::function<void(const PlainWeights::Item& item, std::vector<float>& values)>;

/// Writes config.json and model.safetensors into the directory `out`, which exists: no quantization, one dtype.
///
/// Types    F32, F16, BF16.
ConvertResult convert_to_safetensors(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                                     const ConvertProgress& progress = {}, const WeightEdit& edit = {});

}  // namespace maru::formats
