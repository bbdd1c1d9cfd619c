// A Hugging Face directory as one GGUF file. Tensor by tensor, so that memory is that of the largest one. Not
// thread-safe.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "formats/convert.h"
#include "formats/gguf_writer.h"

namespace maru {

/// Writes more metadata: what a model of so many tokens says about text, which is not for this folder to find.
using MetadataWriter = std::function<void(formats::GgufWriter& writer, int64_t vocab_size)>;

/// `directory` holds config.json and the weights.
///
/// Types    F32, F16, BF16, Q8_0, Q4_0. Vectors stay F32.
/// Throws   kUnimplemented for an architecture or a type that cannot be written; what WeightFiles and `text` throw.
formats::ConvertResult convert_to_gguf(const fs::path& directory, const fs::path& out,
                                       std::optional<formats::GgmlType> type, const std::string& name,
                                       const MetadataWriter& text, const formats::ConvertProgress& progress = {});

}  // namespace maru
