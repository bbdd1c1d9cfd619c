#include "train/objectives/next_token.h"

namespace maru::train {

Tensor NextToken::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const Batch batch = micro.builder.batch(with);
  const Shape rows{batch.tokens.rows(), 1};
  const Tensor targets = with.upload(micro.targets.data(), rows, Dtype::kI32);
  // f32 and bf16 weights have losses of f32.
  const Tensor weights = micro.weights.empty() ? Tensor() : with.upload(micro.weights.data(), rows, Dtype::kF32);
  return decoder_.loss(with, decoder_.forward(with, batch), targets, scale, {}, weights);
}

}  // namespace maru::train
