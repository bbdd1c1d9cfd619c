// Models on disk: Hugging Face directories (config.json, *.safetensors) and GGUF files.
#pragma once
#include <memory>
#include <optional>

#include "base/file.h"
#include "models/decoder.h"

namespace maru {

/// Reads the configuration and maps the weights; they are used in place when their dtype is the wanted one, else
/// converted, quantized ones expanded. `dtype` empty: the one the configuration names. Sharded models
/// (model.safetensors.index.json) are read too.
///
/// Throws   kNotFound, kDataLoss or kUnimplemented, naming the file, tensor and what was expected.
std::unique_ptr<Decoder> load_model(const fs::path& path, std::optional<Dtype> dtype = {});

/// The same, but weights that are stored as integers (GGUF's block types, GPTQ, AWQ, compressed-tensors) stay integers:
/// Parameter::quantized is set in place of the value, packed by the threads of the host.
///
/// Cost     no more memory than the model itself, one tensor of the file, and 16 rows per thread: pages of the file are
///          given back when their tensor is packed.
std::unique_ptr<Decoder> load_for_serving(const HostStream&, const fs::path& path, std::optional<Dtype> dtype = {});

/// Writes the weights as one safetensors file; quantized ones as docs/formats/maru-quantized.md says.
void save_weights(Decoder& model, const fs::path& file);

}  // namespace maru
