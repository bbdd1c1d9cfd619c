#include "train/objectives/preference.h"

#include <algorithm>
#include <cmath>

#include "train/objectives/token_losses.h"

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

// Each pair weighs exp(mean over the tokens of each answer of log p − log Σ p²), a constant to the gradient: Zhou et
// al. 2024 (WPO), arXiv:2406.11827, eq. 2, aligned as in TRL. A loss is ℓ = log Σ eˣ − x of the target, and ℓ' that of
// logits 2x, so log Σ p² = ℓ' − 2ℓ and what is averaged is ℓ − ℓ'.
void weight_pairs(const MicroBatch& micro, const std::vector<double>& losses, const std::vector<double>& sharp,
                  std::vector<PreferencePair>& pairs) {
  std::vector<double> exponents(pairs.size());
  for_answer_tokens(micro, 1, [&](size_t pair, bool chosen, size_t row, double) {
    const AnswerLikelihood& answer = chosen ? pairs[pair].chosen : pairs[pair].rejected;
    exponents[pair] += (losses[row] - sharp[row]) / static_cast<double>(answer.tokens);
  });
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].weight = std::exp(exponents[i]);
}

}  // namespace

void Preference::check_weighting() const {
  if (config_.use_weighting && policy_.config().final_logit_softcapping != 0)
    throw Failure(ErrorCode::kUnimplemented,
                  "recipe: preference.use_weighting: the model caps its logits, which this is not made for");
}

Preference::Losses Preference::losses_of(const Context& ctx, const Tensor& hidden, const Tensor& targets,
                                         const Tensor& reference) {
  return {losses_of_policy(ctx, policy_, hidden, targets), reference,
          config_.use_weighting ? losses_of_policy(ctx, policy_, hidden, targets, 2) : Tensor()};
}

// Adds to the figures. The result is d (sum of losses) / d (loss of a token) for every row.
std::vector<double> Preference::weigh(const MicroBatch& micro, const Losses& losses) {
  const double beyond = config_.ld_alpha.value_or(1);
  const std::vector<double> policy = numbers_of(losses.policy);
  std::vector<PreferencePair> pairs = pairs_of(micro, beyond, policy, numbers_of(losses.reference));
  if (losses.sharp) weight_pairs(micro, policy, numbers_of(losses.sharp), pairs);
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
  const Tensor reference = losses_of_reference(with, reference_, batch, targets);
  const Tensor hidden = policy_.forward(with, batch);
  const Losses losses = losses_of(with, hidden, targets, reference);
  const Tensor weights = with.empty(rows, losses.policy.dtype());
  const double before = figures_.loss;
  if (!with.arena.dry()) upload_numbers(weights, weigh(micro, losses));
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
  const Tensor reference = losses_of_reference(with, reference_, batch, targets);
  const Losses losses = losses_of(with, policy_.forward(with, batch), targets, reference);
  if (!with.arena.dry()) weigh(micro, losses);
}

}  // namespace maru::train
