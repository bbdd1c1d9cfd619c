// What a run holds of the device's memory, known before it is taken.
#pragma once
#include <cstdint>
#include <string>

#include "base/file.h"
#include "models/model.h"
#include "optim/optimizer.h"

namespace maru::train {

/// Bytes beside what is trained and its step.
struct HeldMemory {
  size_t models = 0;  // of weights that stay as they are, also where they are mapped from a file: that of an adapter, a
                      // reference, a teacher
  size_t sampler = 0;  // of answers that are sampled: keys, values, and a step of the engine
};

/// Bytes of the device that training holds.
struct TrainingMemory {
  size_t weights = 0, gradients = 0, optimizer = 0;  // of what is trained
  size_t step = 0;                                   // a micro-batch's, with an eighth for fragmentation
  HeldMemory held;
  size_t all() const { return weights + gradients + optimizer + step + held.models + held.sampler; }
  /// "1.2 GiB of memory: 200 MiB of weights, ...".
  std::string text() const;
};

/// All but the step's, whether it is allocated yet or not.
TrainingMemory memory_of(Model& trained, const OptimizerConfig& config, const HeldMemory& held);

/// Of all values, quantized ones included.
size_t bytes_of(Model& model);

/// Of what is stored at a path, once it is loaded in `dtype`; weights in fewer than 16 bits stay so. Throws   what
/// read_stored_config throws.
size_t bytes_of_stored(const fs::path& model, Dtype dtype);

/// Throws   kExhausted naming what is needed, of what, and what the device has.
void check_room(const Device& device, const TrainingMemory& memory);

}  // namespace maru::train
