#include "train/objectives/answers.h"

#include "ops/elementwise.h"
#include "train/numbers.h"
#include "train/objectives/token_losses.h"

namespace maru::train {
namespace {

Tensor upload_targets(Context& ctx, const std::vector<int32_t>& targets) {
  return ctx.upload(targets.data(), {static_cast<int64_t>(targets.size()), 1}, Dtype::kI32);
}

}  // namespace

LogProbability log_probability(std::span<const int32_t> targets, const Batch::Sequence& sequence,
                               std::span<const double> losses) {
  LogProbability all;
  for_targets(targets, sequence, [&](size_t row) { all.sum -= losses[row], ++all.tokens; });
  return all;
}

AnswerObjective::AnswerObjective(const AnswerModels& models)
    : policy_(models.policy),
      reference_(models.reference),
      model_(models.adapter != nullptr ? static_cast<Model&>(*models.adapter) : models.policy),
      adapters_(models.adapter != nullptr ? &models.adapter->everywhere() : nullptr),
      known_reference_(models.known_reference) {
  CHECK(!known_reference_ || reference_ == nullptr);
}

Tensor AnswerObjective::reference_losses(const Context& ctx, const Batch& batch, const Tensor& targets) {
  return reference_ != nullptr ? losses_of_reference(ctx, *reference_, batch, targets) : Tensor();
}

AnswerObjective::Rows AnswerObjective::losses_of(const Context& ctx, const Tensor& hidden, const Tensor& targets,
                                                 const Tensor& reference) {
  return {losses_of_policy(ctx, policy_, hidden, targets), reference,
          wants_sharp_ ? losses_of_policy(ctx, policy_, hidden, targets, 2) : Tensor()};
}

TokenLosses AnswerObjective::numbers_of_rows(const Rows& rows, const MicroBatch& micro) const {
  TokenLosses losses{numbers_of(rows.policy), numbers_of(rows.reference), numbers_of(rows.sharp)};
  if (!known_reference_) return losses;
  CHECK(micro.reference.size() == micro.targets.size());
  losses.reference.assign(micro.reference.begin(), micro.reference.end());
  return losses;
}

TokenLosses AnswerObjective::look(const Context& ctx, const MicroBatch& micro, const std::vector<int32_t>& asked) {
  Tape nothing;
  Context with = ctx;
  with.adapters = adapters_;
  with.tape = adapters_ != nullptr ? &nothing : nullptr;
  const Batch batch = micro.builder.batch(with);
  const Tensor targets = upload_targets(with, asked), reference = reference_losses(with, batch, targets);
  const Rows rows = losses_of(with, policy_.forward(with, batch), targets, reference);
  if (with.arena.dry()) return {};
  return numbers_of_rows(rows, micro);
}

TokenLosses AnswerObjective::look_beside(const Context& ctx, const MicroBatch& micro) {
  const std::optional<MicroBatch> other = beside(micro);
  return other ? look(ctx, *other, other->targets) : TokenLosses();
}

Tensor AnswerObjective::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const TokenLosses other = look_beside(with, micro);
  const Batch batch = micro.builder.batch(with);
  const Tensor targets = upload_targets(with, targets_of(micro)), reference = reference_losses(with, batch, targets);
  const Tensor hidden = policy_.forward(with, batch);
  const Rows rows = losses_of(with, hidden, targets, reference);
  const Tensor weights = with.empty(targets.shape(), rows.policy.dtype());
  Weighed weighed;
  if (!with.arena.dry()) {
    weighed = weigh(micro, numbers_of_rows(rows, micro), other);
    upload_numbers(weights, weighed.weights);
  }
  // Its gradient is that of the answers' loss; what is reported is that loss itself.
  const Tensor loss = policy_.loss(with, hidden, targets, scale, {}, weights);
  if (!with.arena.dry()) upload_numbers(loss, {scale * weighed.loss});
  return loss;
}

void AnswerObjective::score(Context& ctx, const MicroBatch& micro) {
  const TokenLosses other = look_beside(ctx, micro), own = look(ctx, micro, targets_of(micro));
  if (!ctx.arena.dry()) weigh(micro, own, other);
}

}  // namespace maru::train
