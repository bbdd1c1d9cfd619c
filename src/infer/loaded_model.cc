#include "infer/loaded_model.h"

#include <algorithm>

#include "models/model_files.h"
#include "models/weights.h"
#include "ops/attention.h"

namespace maru::infer {
namespace {

HostStream loader_of(const Device& device, const LoadOptions& options) {
  HostStream host = device.host();
  if (options.loader != nullptr) host.pool = options.loader;
  return host;
}

}  // namespace

int64_t cache_bytes_for(const Decoder& decoder, const LoadOptions& options) {
  const auto page = static_cast<int64_t>(decoder.cache_shape(options.int8_cache).page_bytes());
  if (options.pages > 0) return options.pages * page;
  const int64_t pages = pages_for(decoder.config().max_position_embeddings) * options.max_sequences;
  return std::min(options.cache_bytes, pages * page);
}

std::string stored_name(const fs::path& path) {
  const fs::path whole = fs::weakly_canonical(path);
  return (fs::is_directory(whole) ? whole.filename() : whole.stem()).string();
}

LoadedModel::LoadedModel(const fs::path& path, Device& device, const LoadOptions& options)
    : name_(stored_name(path)),
      decoder_(load_for_serving(loader_of(device, options), path, options.dtype)),
      text_(load_text(path)) {
  if (tokenizer().vocab_size() > decoder_->config().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  path.string() + ": the tokenizer has " + std::to_string(tokenizer().vocab_size()) +
                      " tokens, the model only " + std::to_string(decoder_->config().vocab_size));
  if (!options.adapter.empty()) adapter_ = std::make_unique<Adapter>(device, *decoder_, options.adapter);
  runner_ = std::make_unique<DecoderRunner>(*decoder_, device, cache_bytes_for(*decoder_, options), adapter_.get(),
                                            options.int8_cache);
}

int64_t LoadedModel::bytes() const {
  int64_t bytes = runner_->cache_bytes();
  for (Parameter* parameter : decoder_->parameters()) {
    const QuantizedWeight& integers = parameter->quantized;
    for (const Tensor* tensor :
         std::initializer_list<const Tensor*>{&parameter->value, &integers.quads, &integers.scales, &integers.offsets})
      bytes += static_cast<int64_t>(tensor->bytes());
  }
  return bytes;
}

}  // namespace maru::infer
