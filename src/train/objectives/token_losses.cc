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

std::vector<double> numbers_of(const Tensor& t) {
  const Tensor read = to_host(t);
  const bool wide = read.dtype() == Dtype::kF64;
  std::vector<double> numbers(static_cast<size_t>(read.size()));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = wide ? read.data<double>()[i] : static_cast<double>(read.data<float>()[i]);
  return numbers;
}

void upload_numbers(const Tensor& to, const std::vector<double>& numbers) {
  if (to.dtype() == Dtype::kF64) return upload(to, numbers.data());
  const std::vector<float> narrow(numbers.begin(), numbers.end());
  upload(to, narrow.data());
}

}  // namespace maru::train
