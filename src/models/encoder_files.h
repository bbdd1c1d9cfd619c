// Encoders on disk: Hugging Face directories, with or without sentence-transformers' files beside them.
#pragma once
#include <memory>
#include <optional>

#include "base/file.h"
#include "models/encoder.h"

namespace maru {

/// Reads config.json and maps the weights, whether or not their names begin with "bert." or "roberta."; they are used
/// in place when their dtype is the wanted one, else converted. `dtype` empty: bf16 if config.json names it, else f32.
///
/// Throws   kNotFound, kDataLoss or kUnimplemented, naming the file, tensor and what was expected.
std::unique_ptr<Encoder> load_encoder(const fs::path& directory, std::optional<Dtype> dtype = {});

/// The same in memory of its own, for training.
std::unique_ptr<Encoder> load_encoder_to_train(const fs::path& directory, Dtype dtype);

/// Writes its weights as Hugging Face's plain encoder has them, model.safetensors in a directory that exists.
void save_encoder(Encoder& encoder, const fs::path& directory);

}  // namespace maru
