#include "train/objectives/ranking.h"

#include <algorithm>
#include <cmath>

#include "ops/elementwise.h"
#include "ops/loss.h"
#include "train/numbers.h"
#include "train/objectives/texts.h"
#include "train/text_loader.h"

namespace maru::train {
namespace {

// log(1 + exp x), which does not overflow.
double log1p_exp(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

double pairwise(std::span<const double> scores, std::span<double> slopes) {
  const double weight = 1 / static_cast<double>(scores.size() - 1);
  double loss = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    const double behind = scores[i] - scores[0];
    loss += weight * log1p_exp(behind);
    slopes[i] = weight * sigmoid(behind);
    slopes[0] -= slopes[i];
  }
  return loss;
}

double listwise(std::span<const double> scores, std::span<double> slopes) {
  const double most = *std::ranges::max_element(scores);
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - most);
  for (size_t i = 0; i < scores.size(); ++i) slopes[i] = std::exp(scores[i] - most) / sum - (i == 0 ? 1 : 0);
  return std::log(sum) + most - scores[0];
}

}  // namespace

double ranking_loss(const RankConfig& config, std::span<const double> scores, std::span<double> slopes) {
  std::ranges::fill(slopes, 0.0);
  return config.loss_type == "pairwise" ? pairwise(scores, slopes) : listwise(scores, slopes);
}

Ranking::Ranking(TextModel& texts, Adapter* adapter, const RankConfig& config)
    : texts_(texts),
      scored_(adapter != nullptr ? std::make_unique<ScoredAdapter>(*adapter, texts.classifier()) : nullptr),
      adapters_(adapter != nullptr ? &adapter->everywhere() : nullptr),
      config_(config),
      builder_(texts.limits()) {
  CHECK(texts.num_labels() == 1);
}

Tensor Ranking::scores_of(Context& ctx, const MicroBatch& micro) {
  return as_accumulator(ctx, texts_.classify(ctx, batch_of_texts(ctx, builder_, micro)));
}

// Adds to the figures. The result is the sum over queries; slopes become those of it.
double Ranking::weigh(const MicroBatch& micro, const std::vector<double>& scores, std::vector<double>& slopes) {
  slopes.resize(scores.size());
  double sum = 0, first = 0, reciprocal = 0;
  for (size_t begin = 0; begin < scores.size();) {
    size_t end = begin + 1;
    while (end < scores.size() && micro.values[end] == static_cast<double>(TextRole::kNegative)) ++end;
    const auto own = std::span(scores).subspan(begin, end - begin);
    sum += ranking_loss(config_, own, std::span(slopes).subspan(begin, end - begin));
    const auto before = std::count_if(own.begin() + 1, own.end(), [&](double s) { return !(s < own[0]); });
    first += before == 0;
    if (before < 10) reciprocal += 1 / static_cast<double>(before + 1);
    begin = end;
  }
  figures_.add("loss", sum, micro.counted);
  figures_.add("accuracy", first, micro.counted);
  figures_.add("mrr", reciprocal, micro.counted);
  return sum;
}

Tensor Ranking::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = adapters_;
  const Tensor scores = scores_of(with, micro), slopes = with.empty(scores.shape(), scores.dtype());
  if (with.arena.dry()) return loss_with_slopes(with, scores, slopes);
  std::vector<double> numbers;
  const double sum = weigh(micro, numbers_of(scores), numbers);
  for (double& slope : numbers) slope *= scale;
  upload_numbers(slopes, numbers);
  const Tensor loss = loss_with_slopes(with, scores, slopes);
  upload_numbers(loss, {scale * sum});
  return loss;
}

// The tape is there beside an adapter, as quantized weights are multiplied otherwise without one (answers.cc).
void Ranking::score(Context& ctx, const MicroBatch& micro) {
  Tape nothing;
  Context with = ctx;
  with.adapters = adapters_;
  with.tape = adapters_ != nullptr ? &nothing : nullptr;
  const Tensor scores = scores_of(with, micro);
  std::vector<double> slopes;
  if (!with.arena.dry()) weigh(micro, numbers_of(scores), slopes);
}

}  // namespace maru::train
