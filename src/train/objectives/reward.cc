#include "train/objectives/reward.h"

#include "ops/loss.h"
#include "train/numbers.h"

namespace maru::train {

Reward::Reward(RewardModel& model, Adapter* adapter, const RewardModelConfig& config)
    : model_(model),
      scored_(adapter != nullptr ? std::make_unique<ScoredAdapter>(*adapter, std::vector{&model.score()}) : nullptr),
      adapters_(adapter != nullptr ? &adapter->everywhere() : nullptr),
      config_(config) {}

// Adds to the figures. The result is the loss; slopes become scale · d loss / d score.
double Reward::weigh(const MicroBatch& micro, const std::vector<double>& scores, double scale,
                     std::vector<double>& slopes) {
  slopes.resize(scores.size());
  double sum = 0;
  for (size_t i = 0; i + 1 < scores.size(); i += 2) {
    const double margin = micro.values.empty() ? 0 : micro.values[i];
    const Dual chosen(scores[i], 1, 0), rejected(scores[i + 1], 0, 1);
    const Dual loss = reward_loss(config_, chosen, rejected, margin);
    sum += loss.value;
    slopes[i] = scale * loss.first, slopes[i + 1] = scale * loss.second;
    figures_.add("accuracy", scores[i] > scores[i + 1] ? 1 : 0);
    figures_.add("margin", scores[i] - scores[i + 1]);
    figures_.add("reward", scores[i] + scores[i + 1], 2);
  }
  figures_.add("loss", sum, static_cast<int64_t>(scores.size() / 2));
  return sum;
}

Tensor Reward::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const Tensor scores = model_.forward(with, micro.builder.batch(with));
  const Tensor slopes = with.empty(scores.shape(), scores.dtype());
  if (with.arena.dry()) return loss_with_slopes(with, scores, slopes);
  std::vector<double> numbers;
  const double sum = weigh(micro, numbers_of(scores), scale, numbers);
  upload_numbers(slopes, numbers);
  const Tensor loss = loss_with_slopes(with, scores, slopes);
  upload_numbers(loss, {scale * sum});
  return loss;
}

// The tape is there beside an adapter, as quantized weights are multiplied otherwise without one (answers.cc).
void Reward::score(Context& ctx, const MicroBatch& micro) {
  Tape nothing;
  Context with = ctx;
  with.adapters = adapters_;
  with.tape = adapters_ != nullptr ? &nothing : nullptr;
  const Tensor scores = model_.forward(with, micro.builder.batch(with));
  std::vector<double> slopes;
  if (!with.arena.dry()) weigh(micro, numbers_of(scores), 1, slopes);
}

}  // namespace maru::train
