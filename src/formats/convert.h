// A Hugging Face directory, or a safetensors model of any stored kind, written anew: as GGUF, or as plain safetensors.
// Tensor by tensor, so that memory is that of the largest one. Not thread-safe.
#pragma once
#include <functional>
#include <string>

#include "formats/gguf_tokenizer.h"
#include "formats/weight_files.h"

namespace maru::formats {

/// Called with the number of elements written so far.
using ConvertProgress = std::function<void(uint64_t elements)>;

struct ConvertResult {
  GgmlType type = GgmlType::kBf16;
  int64_t tensors = 0, elements = 0;
  uint64_t bytes = 0;  // of the file or files
  TokenizerExport tokenizer;
};

/// The matrices' type when nobody asks for one: what most elements have, bf16 for quantized ones.
GgmlType natural_type(const PlainWeights& weights);

/// Writes the tokenizer's metadata for a model of so many tokens.
using TokenizerWriter = std::function<TokenizerExport(GgufWriter& writer, int64_t vocab_size)>;

/// Writes one GGUF file with the tokenizer in it. `directory` holds config.json and the weights.
///
/// `tokenizer` writes what the model says about text: finding that is not for this folder. The second form takes it
/// from the directory's tokenizer.json; `chat_template` is the model's Jinja template, or empty.
///
/// Types    F32, F16, BF16, Q8_0, Q4_0. Vectors stay F32.
/// Throws   kUnimplemented for an architecture, a tokenizer or a type that cannot be written; what WeightFiles throws.
ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                              const std::string& name, const TokenizerWriter& tokenizer,
                              const ConvertProgress& progress = {});
ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                              const std::string& name, const std::string& chat_template,
                              const ConvertProgress& progress = {});

/// Changes a tensor's values before they are written.
using WeightEdit = std::function<void(const PlainWeights::Item& item, std::vector<float>& values)>;

/// Writes config.json and model.safetensors into the directory `out`, which exists: no quantization, one dtype.
///
/// Types    F32, F16, BF16.
ConvertResult convert_to_safetensors(const fs::path& directory, const fs::path& out, std::optional<GgmlType> type,
                                     const ConvertProgress& progress = {}, const WeightEdit& edit = {});

}  // namespace maru::formats
