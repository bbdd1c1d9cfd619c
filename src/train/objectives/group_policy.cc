#include "train/objectives/group_policy.h"

#include <algorithm>

#include "ops/elementwise.h"
#include "train/numbers.h"
#include "train/objectives/token_losses.h"

namespace maru::train {
namespace {

/// f(answer, row) for each token that counts.
template <class F>
void for_counted(const MicroBatch& micro, const F& f) {
  const std::vector<Batch::Sequence>& sequences = micro.builder.sequences();
  for (size_t i = 0; i < sequences.size(); ++i)
    for (int64_t r = sequences[i].first_row; r < sequences[i].first_row + sequences[i].rows; ++r)
      if (micro.targets[static_cast<size_t>(r)] >= 0) f(i, static_cast<size_t>(r));
}

}  // namespace

void GroupPolicy::check_temperature() const {
  if (config_.temperature != 1 && policy_.config().final_logit_softcapping != 0)
    throw Failure(ErrorCode::kUnimplemented,
                  "recipe: group_policy.temperature: the model caps its logits, which this is made for at 1 alone");
}

// Adds to the figures. The result is d (sum of losses) / d (loss of a token) for every row.
std::vector<double> GroupPolicy::weigh(const MicroBatch& micro, const Tensor& policy, const Tensor& reference) {
  const std::vector<double> ours = numbers_of(policy);
  const std::vector<double> theirs = reference ? numbers_of(reference) : std::vector<double>();
  CHECK(micro.answers.size() == micro.builder.sequences().size());
  std::vector<PolicyAnswer> answers(micro.answers.size());
  for_counted(micro, [&](size_t answer, size_t row) {
    answers[answer].policy.push_back(-ours[row]);
    if (!theirs.empty()) answers[answer].reference.push_back(-theirs[row]);
  });
  for (size_t i = 0; i < answers.size(); ++i) {
    answers[i].advantage = micro.answers[i].advantage;
    answers[i].old = micro.answers[i].old.empty() ? answers[i].policy : micro.answers[i].old;
  }
  const GroupPolicyLoss loss = group_policy_loss(config_, answers);
  sum_ = loss.sum;
  figures_.divergence += loss.divergence;
  figures_.ratio_difference = std::max(figures_.ratio_difference, loss.ratio_difference);
  figures_.tokens += loss.tokens;
  figures_.clipped += loss.clipped;
  for (PolicyAnswer& answer : answers) policy_seen_.push_back(std::move(answer.policy));
  std::vector<double> weights(micro.targets.size());
  std::vector<size_t> next(answers.size());
  for_counted(micro, [&](size_t answer, size_t row) { weights[row] = -loss.slopes[answer][next[answer]++]; });
  return weights;
}

Tensor GroupPolicy::loss(Context& ctx, const MicroBatch& micro, double share) {
  const double sharpness = 1 / config_.temperature;
  Context with = ctx;
  with.adapters = adapters_;
  const Batch batch = micro.builder.batch(with);
  const Shape rows{batch.tokens.rows(), 1};
  const Tensor targets = with.upload(micro.targets.data(), rows, Dtype::kI32);
  const Tensor reference =
      config_.beta != 0 ? losses_of_reference(with, *reference_, batch, targets, sharpness) : Tensor();
  const Tensor hidden = policy_.forward(with, batch);
  const Tensor policy = losses_of_policy(with, policy_, hidden, targets, sharpness);
  const Tensor weights = with.empty(rows, policy.dtype());
  if (!with.arena.dry()) upload_numbers(weights, weigh(micro, policy, reference));
  // Its gradient is that of the policy's loss; what is reported is that loss itself.
  const Tensor loss =
      policy_.loss(with, sharpness == 1 ? hidden : scale(with, hidden, sharpness), targets, share, {}, weights);
  if (!with.arena.dry()) upload_numbers(loss, {share * sum_});
  return loss;
}

}  // namespace maru::train
