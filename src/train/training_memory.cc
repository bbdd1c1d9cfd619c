#include "train/training_memory.h"

#include <fmt/format.h>

#include "base/progress.h"
#include "models/config.h"
#include "models/weight_source.h"

namespace maru::train {
namespace {

std::string words(size_t bytes) { return short_bytes(static_cast<double>(bytes)); }

}  // namespace

std::string TrainingMemory::text() const {
  std::string all_of_it =
      fmt::format("{} of memory: {} of weights, {} of gradients, {} of the optimiser, {} of a micro-batch",
                  words(all()), words(weights), words(gradients), words(optimizer), words(step));
  if (held.models > 0) all_of_it += fmt::format(", {} of models that stay as they are", words(held.models));
  if (held.sampler > 0) all_of_it += fmt::format(", {} of the sampler", words(held.sampler));
  return all_of_it;
}

size_t bytes_of(Model& model) {
  size_t bytes = 0;
  for (const Parameter* const parameter : model.parameters()) {
    const QuantizedWeight& w = parameter->quantized;
    for (const Tensor* t : {&parameter->value, &w.quads, &w.scales, &w.offsets}) bytes += t->bytes();
  }
  return bytes;
}

size_t bytes_of_stored(const fs::path& model, Dtype dtype) {
  size_t stored = 0;
  for (const fs::path& file : list_files(model))
    if (file.extension() == ".safetensors" || file.extension() == ".gguf") stored += fs::file_size(file);
  const StoredConfig config = read_stored_config(model);
  const auto values = static_cast<size_t>(count_parameters(config_from_hugging_face(config.json, config.name)));
  return stored < 2 * values ? stored : values * size_of(dtype);
}

TrainingMemory memory_of(Model& trained, const OptimizerConfig& config, const HeldMemory& held) {
  TrainingMemory memory{.held = held};
  memory.weights = bytes_of(trained);
  for (const Parameter* const parameter : trained.parameters())
    memory.gradients += static_cast<size_t>(parameter->shape.size()) * size_of(accumulator_of(trained.dtype()));
  memory.optimizer = Optimizer::bytes_for(config, trained.parameters(), trained.dtype());
  return memory;
}

void check_room(const Device& device, const TrainingMemory& memory) {
  if (const size_t most = device.memory_bytes(); memory.all() > most)
    throw Failure(ErrorCode::kExhausted,
                  fmt::format("training needs {}; this machine has {}: lower micro_batch_tokens, set recompute: true, "
                              "or train an adapter (lora.rank=16)",
                              memory.text(), words(most)));
}

}  // namespace maru::train
