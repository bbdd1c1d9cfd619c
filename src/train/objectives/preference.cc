#include "train/objectives/preference.h"

#include <algorithm>

namespace maru::train {
namespace {

bool counts(const MicroBatch& micro, int64_t row) { return micro.targets[static_cast<size_t>(row)] >= 0; }

int64_t answer_tokens(const MicroBatch& micro, const Batch::Sequence& sequence) {
  int64_t tokens = 0;
  for (int64_t r = 0; r < sequence.rows; ++r) tokens += counts(micro, sequence.first_row + r);
  return tokens;
}

/// f(pair, chosen, row, weight) for each token of all answers. `beyond`: the weight of those behind the length of the
/// shorter answer; the others' is 1 (Liu et al. 2024 (LD-DPO), arXiv:2409.06411).
template <class F>
void for_answer_tokens(const MicroBatch& micro, double beyond, const F& f) {
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  for (size_t i = 0; i + 1 < sequences.size(); i += 2) {
    const int64_t shared = std::min(answer_tokens(micro, sequences[i]), answer_tokens(micro, sequences[i + 1]));
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const Batch::Sequence& sequence = sequences[i + side];
      int64_t seen = 0;
      for (int64_t row = sequence.first_row; row < sequence.first_row + sequence.rows; ++row)
        if (counts(micro, row)) f(i / 2, side == 0, static_cast<size_t>(row), seen++ < shared ? 1.0 : beyond);
    }
  }
}

/// Numbers of the device, f32 or f64.
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

std::vector<PreferencePair> pairs_of(const MicroBatch& micro, double beyond, const std::vector<double>& policy,
                                     const std::vector<double>& reference) {
  std::vector<PreferencePair> pairs(micro.builder.sequences().size() / 2);
  for_answer_tokens(micro, beyond, [&](size_t pair, bool chosen, size_t row, double weight) {
    AnswerLikelihood& answer = chosen ? pairs[pair].chosen : pairs[pair].rejected;
    answer.policy -= weight * policy[row];
    answer.reference -= weight * reference[row];
    ++answer.tokens;
    if (chosen) pairs[pair].chosen_nll += policy[row];
  });
  return pairs;
}

}  // namespace

// Nothing is recorded where no weight has a gradient. The tape is there all the same: without one, quantized weights
// are multiplied with activations of 8 bits, and the model would differ from itself before it has learnt anything.
Tensor Preference::reference_losses(const Context& ctx, const Batch& batch, const Tensor& targets) {
  Tape nothing;
  Context quiet = ctx;
  quiet.tape = &nothing, quiet.adapters = nullptr;
  Tensor hidden = reference_.forward(quiet, batch);
  hidden.node = -1;
  const Tensor losses = quiet.empty(targets.shape(), accumulator_of(hidden.dtype()));
  reference_.loss(quiet, hidden, targets, 0, losses);
  return losses;
}

// A head that is trained is not quantized, and its loss would come with a gradient.
Tensor Preference::policy_losses(const Context& ctx, const Tensor& hidden, const Tensor& targets) {
  Tape nothing;
  Context quiet = ctx;
  quiet.tape = adapters_ != nullptr ? &nothing : nullptr;
  const Tensor losses = quiet.empty(targets.shape(), accumulator_of(hidden.dtype()));
  Tensor plain = hidden;
  plain.node = -1;
  policy_.loss(quiet, plain, targets, 0, losses);
  return losses;
}

// Adds to the figures. The result is d (sum of losses) / d (loss of a token) for every row.
std::vector<double> Preference::weigh(const MicroBatch& micro, const Tensor& policy, const Tensor& reference) {
  const double beyond = config_.ld_alpha.value_or(1);
  const std::vector<PreferencePair> pairs = pairs_of(micro, beyond, numbers_of(policy), numbers_of(reference));
  const PreferenceLoss loss = preference_loss(config_, pairs);
  figures_.loss += loss.sum;
  figures_.pairs += static_cast<int64_t>(pairs.size());
  for (const PreferencePair& pair : pairs) {
    const double margin = config_.beta * (pair.chosen.log_ratio() - pair.rejected.log_ratio());
    figures_.margins += margin;
    figures_.right += margin > 0;
  }
  std::vector<double> weights(micro.targets.size());
  for_answer_tokens(micro, beyond, [&](size_t pair, bool chosen, size_t row, double weight) {
    const PreferenceLoss::Slopes& slopes = loss.pairs[pair];
    weights[row] = chosen ? loss.chosen_nll - weight * slopes.chosen : -weight * slopes.rejected;
  });
  return weights;
}

Tensor Preference::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const Batch batch = micro.builder.batch(with);
  const Shape rows{batch.tokens.rows(), 1};
  const Tensor targets = with.upload(micro.targets.data(), rows, Dtype::kI32);
  const Tensor reference = reference_losses(with, batch, targets);
  const Tensor hidden = policy_.forward(with, batch);
  const Tensor policy = policy_losses(with, hidden, targets);
  const Tensor weights = with.empty(rows, policy.dtype());
  const double before = figures_.loss;
  if (!with.arena.dry()) upload_numbers(weights, weigh(micro, policy, reference));
  // Its gradient is that of the preference; what is reported is the preference itself.
  const Tensor loss = policy_.loss(with, hidden, targets, scale, {}, weights);
  if (!with.arena.dry()) upload_numbers(loss, {scale * (figures_.loss - before)});
  return loss;
}

void Preference::score(Context& ctx, const MicroBatch& micro) {
  Tape nothing;
  Context with = ctx;
  with.adapters = adapters_;
  if (adapters_ != nullptr) with.tape = &nothing;
  const Batch batch = micro.builder.batch(with);
  const Tensor targets = with.upload(micro.targets.data(), {batch.tokens.rows(), 1}, Dtype::kI32);
  const Tensor reference = reference_losses(with, batch, targets);
  const Tensor policy = policy_losses(with, policy_.forward(with, batch), targets);
  if (!with.arena.dry()) weigh(micro, policy, reference);
}

}  // namespace maru::train
