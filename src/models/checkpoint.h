// Models on disk: Hugging Face directories (config.json, *.safetensors).
#pragma once
#include <memory>
#include <optional>

#include "base/file.h"
#include "models/decoder.h"

namespace maru {

/// Reads config.json and maps the weights; they are used in place when their dtype is the wanted one, else converted.
/// `dtype` empty: the one config.json names. Sharded models (model.safetensors.index.json) are read too.
///
/// Throws   kNotFound, kDataLoss or kUnimplemented, naming the file, tensor and what was expected.
std::unique_ptr<Decoder> load_model(const fs::path& directory, std::optional<Dtype> dtype = {});

/// Replaces the values of a model by those of a directory of the same shape.
void load_values(Decoder& model, const fs::path& directory);

/// Writes the weights as one safetensors file; quantized ones as docs/formats/maru-quantized.md says.
void save_weights(Decoder& model, const fs::path& file);
/// Writes config.json and model.safetensors of a model whose weights are plain.
void save_model(Decoder& model, const fs::path& directory);

}  // namespace maru
