#include "train/objectives/token_losses.h"

#include "ops/elementwise.h"

namespace maru::train {

// Nothing is recorded where no weight has a gradient. The tape is there all the same: without one, quantized weights
// are multiplied with activations of 8 bits, and the model would differ from itself before it has learnt anything.
Tensor losses_of_reference(const Context& ctx, Decoder& reference, const Batch& batch, const Tensor& targets,
                           double sharpness) {
  Tape nothing;
  Context quiet = ctx;
  quiet.tape = &nothing, quiet.adapters = nullptr;
  Tensor hidden = reference.forward(quiet, batch);
  hidden.node = -1;
  const Tensor losses = quiet.empty(targets.shape(), accumulator_of(hidden.dtype()));
  reference.loss(quiet, sharpness == 1 ? hidden : scale(quiet, hidden, sharpness), targets, 0, losses);
  return losses;
}

// A head that is trained is not quantized, and its loss would come with a gradient.
Tensor losses_of_policy(const Context& ctx, Decoder& policy, const Tensor& hidden, const Tensor& targets,
                        double sharpness) {
  Tape nothing;
  Context quiet = ctx;
  quiet.tape = ctx.adapters != nullptr ? &nothing : nullptr;
  const Tensor losses = quiet.empty(targets.shape(), accumulator_of(hidden.dtype()));
  Tensor plain = hidden;
  plain.node = -1;
  policy.loss(quiet, sharpness == 1 ? plain : scale(quiet, plain, sharpness), targets, 0, losses);
  return losses;
}

}  // namespace maru::train
