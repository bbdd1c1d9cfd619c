// Models on disk: Hugging Face directories (config.json, *.safetensors) and GGUF files.
#pragma once
#include <memory>
#include <optional>

#include "base/file.h"
#include "models/decoder.h"

namespace maru {

class WeightSource;

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

/// The same of what is already open, for those who have read from it what is not the decoder's. Throws kUnimplemented
/// for tensors that nobody asked for.
std::unique_ptr<Decoder> load_decoder(WeightSource& source, const DecoderConfig& config, Dtype dtype);
/// The one that the configuration names.
Dtype stored_dtype(const WeightSource& source);

/// Writes the weights as one safetensors file; quantized ones as docs/formats/maru-quantized.md says. `more`: tensors
/// that are not the decoder's.
void save_weights(Decoder& model, const fs::path& file, const std::vector<NamedTensor>& more = {});
/// torch_dtype in config.json.
std::string torch_dtype_of(const Model& model);

}  // namespace maru
