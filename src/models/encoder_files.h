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

struct RerankerToTrain {
  std::unique_ptr<Encoder> encoder;
  Json config;  // what its config.json becomes
};

/// The same as a reranker. The classifier is that of the files if they are one's. Otherwise it begins as transformers'
/// does: BERT's dense layer as the files have it, if they do, and the rest normal with a deviation of
/// initializer_range, biases zero; its numbers depend on the seed and their names alone.
///
/// Throws   kUnimplemented for a classifier of several labels.
RerankerToTrain load_reranker_to_train(const fs::path& directory, Dtype dtype, uint64_t seed);

/// Writes its weights, model.safetensors in a directory that exists: as Hugging Face's plain encoder has them; beside a
/// classifier with `prefix` before their names (encoder_tensor_prefix).
void save_encoder(Encoder& encoder, const fs::path& directory, std::string_view prefix = "");

}  // namespace maru
