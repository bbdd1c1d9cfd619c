// One optimiser step: forward and backward of each micro-batch, clipping, update. Owns the memory of a step.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "ops/step_memory.h"
#include "optim/optimizer.h"
#include "train/config.h"
#include "train/objective.h"
#include "train/training_memory.h"

namespace maru::train {

struct StepResult {
  double loss = 0;           // mean over counted targets, nats per token
  double gradient_norm = 0;  // before clipping
  int64_t tokens = 0;        // seen, counted or not
};

class Trainer {
 public:
  /// Places the objective's model on the device, with gradients; plans the memory of a step by a dry run and allocates
  /// it once. `held`: what is held beside it. Throws kExhausted if all of it exceeds the device's memory, naming both,
  /// before it is used.
  Trainer(Objective& objective, const TrainConfig& config, Device& device, const HeldMemory& held = {});

  /// Step number `step` (1 is the first) of `steps`. Throws kInternal when loss or gradient is not finite, before
  /// anything is updated.
  StepResult step(std::span<MicroBatch> micro_batches, int64_t step, int64_t steps);
  /// Forward and backward alone, for measuring; gradients are dropped.
  void rehearse(MicroBatch& batch);
  Optimizer& optimizer() { return optimizer_; }
  const TrainingMemory& planned() const { return planned_; }
  /// Memory between two steps, for work of other kinds such as validation.
  StepMemory memory() { return {device_, *arena_}; }

 private:
  Context context() { return {device_, *arena_}; }
  double accumulate(MicroBatch& batch, double scale);
  size_t plan(int64_t piece);
  Objective& objective_;
  const TrainConfig config_;
  Device& device_;
  TrainingMemory planned_;
  Optimizer optimizer_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace maru::train
