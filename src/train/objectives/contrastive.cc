#include "train/objectives/contrastive.h"

#include <utility>

#include "ops/elementwise.h"
#include "ops/loss.h"
#include "train/numbers.h"
#include "train/objectives/texts.h"
#include "train/text_loader.h"

namespace maru::train {
namespace {

// A number for each text: the same for the same tokens.
std::vector<int64_t> identities_of(const MicroBatch& micro) {
  std::map<std::vector<int32_t>, int64_t> known;
  std::vector<int64_t> ids;
  for (size_t i = 0; i < micro.builder.sequences().size(); ++i) {
    const auto tokens = tokens_of(micro, i);
    ids.push_back(known.emplace(std::vector(tokens.begin(), tokens.end()), std::ssize(known)).first->second);
  }
  return ids;
}

TextGroups groups_of(const MicroBatch& micro) {
  const std::vector<int64_t> id = identities_of(micro);
  TextGroups g;
  for (size_t i = 0; i < micro.values.size(); ++i) {
    const auto role = static_cast<TextRole>(micro.values[i]);
    if (role == TextRole::kPositive) g.right.push_back(std::ssize(g.documents));
    (role == TextRole::kQuery ? g.queries : g.documents).push_back(static_cast<int64_t>(i));
  }
  std::map<int64_t, std::vector<int64_t>> right_of;  // by what a query is: what its right documents are
  for (size_t i = 0; i < g.queries.size(); ++i)
    right_of[id[static_cast<size_t>(g.queries[i])]].push_back(
        id[static_cast<size_t>(g.documents[static_cast<size_t>(g.right[i])])]);
  for (size_t i = 0; i < g.queries.size(); ++i) {
    const std::vector<int64_t>& right = right_of[id[static_cast<size_t>(g.queries[i])]];
    for (size_t j = 0; j < g.documents.size(); ++j)
      g.same.push_back(static_cast<int64_t>(j) != g.right[i] &&
                       std::ranges::find(right, id[static_cast<size_t>(g.documents[j])]) != right.end());
  }
  return g;
}

std::vector<double> scores_of(const MicroBatch& micro) {
  std::vector<double> scores;
  for (size_t i = 0; i < micro.values.size(); i += 2) scores.push_back(micro.values[i]);
  return scores;
}

}  // namespace

Contrastive::Contrastive(SentenceEncoder& texts, Model* adapter, const AdapterRuns* runs,
                         const ContrastiveConfig& config, bool scored)
    : texts_(texts), adapter_(adapter), runs_(runs), config_(config), scored_(scored), builder_(texts.limits()) {}

Tensor Contrastive::vectors_of(Context& ctx, const MicroBatch& micro) {
  return as_accumulator(ctx, texts_.embed(ctx, batch_of_texts(ctx, builder_, micro)));
}

// Adds to the figures.
ContrastiveResult Contrastive::weigh(const MicroBatch& micro, const Tensor& vectors) {
  const Rows rows{vectors.rows(), vectors.cols(), numbers_of(vectors)};
  const int64_t count = micro.counted;
  if (scored_) {
    const std::vector<double> scores = train::scores_of(micro);
    ContrastiveResult result = cosent(config_, rows, scores);
    cosines_.insert(cosines_.end(), result.cosines.begin(), result.cosines.end());
    scores_.insert(scores_.end(), scores.begin(), scores.end());
    figures_.add("loss", result.loss, count);
    return result;
  }
  ContrastiveResult result = info_nce(config_, rows, groups_of(micro));
  figures_.add("loss", result.loss, count);
  figures_.add("accuracy", result.first, count);
  figures_.add("mrr", result.reciprocal_ranks, count);
  return result;
}

Tensor Contrastive::loss(Context& ctx, const MicroBatch& micro, double scale) {
  Context with = ctx;
  with.adapters = runs_;
  const Tensor vectors = vectors_of(with, micro), slopes = with.empty(vectors.shape(), vectors.dtype());
  if (with.arena.dry()) return loss_with_slopes(with, vectors, slopes);
  ContrastiveResult result = weigh(micro, vectors);
  for (double& slope : result.slopes.values) slope *= scale;
  upload_numbers(slopes, result.slopes.values);
  const Tensor loss = loss_with_slopes(with, vectors, slopes);
  upload_numbers(loss, {scale * result.loss});
  return loss;
}

// The tape is there beside an adapter, as quantized weights are multiplied otherwise without one (answers.cc).
void Contrastive::score(Context& ctx, const MicroBatch& micro) {
  Tape nothing;
  Context with = ctx;
  with.adapters = runs_;
  with.tape = runs_ != nullptr ? &nothing : nullptr;
  const Tensor vectors = vectors_of(with, micro);
  if (!with.arena.dry()) weigh(micro, vectors);
}

std::map<std::string, double> Contrastive::take_figures() {
  auto figures = figures_.take();
  const std::vector<double> cosines = std::exchange(cosines_, {}), scores = std::exchange(scores_, {});
  if (const auto correlation = spearman(cosines, scores)) figures["spearman"] = *correlation;
  return figures;
}

}  // namespace maru::train
