#include "train/objectives/distillation.h"

namespace maru::train {

// Nothing of the teacher is recorded, since no weight of it has a gradient. The tape is there all the same: without
// one, quantized weights are multiplied with activations of 8 bits. Only those of a quantized head are, as when it is
// served.
Tensor Distillation::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const Batch batch = micro.builder.batch(with);
  const Shape rows{batch.tokens.rows(), 1};
  const Tensor targets = with.upload(micro.targets.data(), rows, Dtype::kI32);
  const Tensor weights = micro.weights.empty() ? Tensor() : with.upload(micro.weights.data(), rows, Dtype::kF32);
  Tape nothing;
  Context quiet = ctx;
  quiet.tape = &nothing, quiet.adapters = nullptr;
  const Tensor of_teacher = teacher_.forward(quiet, batch);
  Context head = quiet;
  head.tape = nullptr;
  const LogitsOfRows logits = [&](Context&, int64_t first, int64_t count) {
    return teacher_.logits(head, of_teacher.rows_from(first, count));
  };
  return student_.divergence(with, student_.forward(with, batch), targets, logits,
                             {.beta = config_.beta,
                              .temperature = config_.temperature,
                              .next_token = config_.next_token,
                              .scale = scale,
                              .weights = weights});
}

}  // namespace maru::train
