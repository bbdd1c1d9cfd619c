#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/weights.h"
#include "ops/elementwise.h"

namespace maru::train {
namespace {

// Before anything is allocated.
TrainingMemory room_for(const Device& device, Model& model, const OptimizerConfig& config, const HeldMemory& held) {
  const TrainingMemory memory = memory_of(model, config, held);
  check_room(device, memory);
  return memory;
}

// The model's parameters with values and gradients on the device.
const std::vector<Parameter*>& trained(Device& device, Model& model) {
  place(device, model);
  allocate_gradients(device, model);
  return model.parameters();
}

// A micro-batch of pieces of equal length; in a dry run only its shape matters.
MicroBatch uniform_batch(int64_t tokens, int64_t piece) {
  MicroBatch batch;
  for (int64_t at = 0; at < tokens; at += piece) {
    const std::vector<int32_t> zeros(static_cast<size_t>(std::min(piece, tokens - at)));
    batch.builder.add(zeros);
  }
  batch.targets.assign(static_cast<size_t>(tokens), 0);
  batch.counted = tokens;
  return batch;
}

// Loss of one micro-batch with its gradients added to the parameters'. Result: [1, 1], or null memory in a dry run.
Tensor forward_backward(Context& ctx, Objective& objective, const MicroBatch& micro, double scale) {
  Tape tape;
  Context training = ctx;
  training.tape = &tape;
  Tensor loss = objective.loss(training, micro, scale);
  tape.backward(training, loss);
  return loss;
}

}  // namespace

Trainer::Trainer(Objective& objective, const TrainConfig& config, Device& device, const HeldMemory& held)
    : objective_(objective),
      config_(config),
      device_(device),
      planned_(room_for(device, objective.model(), config.optimizer, held)),
      optimizer_(device, config.optimizer, trained(device, objective.model())) {
  // The longest and the shortest pieces a loader makes bound what lies between.
  const size_t most = std::max(plan(config.sequence_length), plan(kMinMeanPiece));
  planned_.step = most + most / 8;
  check_room(device, planned_);
  arena_ = std::make_unique<Arena>(device, planned_.step);
}

size_t Trainer::plan(int64_t piece) {
  Arena dry = Arena::dry_run();
  Context ctx{device_, dry};
  MicroBatch batch = uniform_batch(config_.micro_batch_tokens, piece);
  forward_backward(ctx, objective_, batch, 1);
  return dry.peak();
}

double Trainer::accumulate(MicroBatch& batch, double scale) {
  Context ctx = context();
  const Tensor loss = to_host(forward_backward(ctx, objective_, batch, scale));
  return loss.dtype() == Dtype::kF32 ? static_cast<double>(*loss.data<float>()) : *loss.data<double>();
}

void Trainer::rehearse(MicroBatch& batch) {
  objective_.begin_step({&batch, 1});
  accumulate(batch, 1.0 / static_cast<double>(std::max<int64_t>(1, batch.counted)));
  Context ctx = context();
  for (Parameter* parameter : objective_.model().parameters()) zero(ctx, parameter->gradient);
}

StepResult Trainer::step(std::span<MicroBatch> micro_batches, int64_t step, int64_t steps) {
  int64_t counted = 0;
  StepResult result;
  for (const MicroBatch& batch : micro_batches) counted += batch.counted, result.tokens += batch.builder.num_tokens();
  const double scale = 1.0 / static_cast<double>(std::max<int64_t>(1, counted));
  objective_.begin_step(micro_batches);
  for (MicroBatch& batch : micro_batches) result.loss += accumulate(batch, scale);
  Context ctx = context();
  result.gradient_norm = optimizer_.gradient_norm(ctx);
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm))
    throw Failure(ErrorCode::kInternal,
                  fmt::format("step {}: loss {} and gradient norm {} are not finite; try a lower learning rate", step,
                              result.loss, result.gradient_norm));
  optimizer_.update(ctx, step, schedule_factor(config_.schedule, step - 1, steps),
                    optimizer_.clip_scale(result.gradient_norm));
  return result;
}

}  // namespace maru::train
