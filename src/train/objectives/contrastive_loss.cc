#include "train/objectives/contrastive_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace maru::train {
namespace {

constexpr double kLeastLength = 1e-12;  // as PyTorch's normalize

/// Vectors of length 1, and what lengths were.
struct Directions {
  Rows units;
  std::vector<double> lengths;
};

Directions directions_of(const Rows& vectors) {
  Directions d{vectors, std::vector<double>(static_cast<size_t>(vectors.rows))};
  for (int64_t i = 0; i < vectors.rows; ++i) {
    double* const u = d.units.row(i);
    double squares = 0;
    for (int64_t c = 0; c < vectors.cols; ++c) squares += u[c] * u[c];
    const double length = d.lengths[static_cast<size_t>(i)] = std::max(std::sqrt(squares), kLeastLength);
    for (int64_t c = 0; c < vectors.cols; ++c) u[c] /= length;
  }
  return d;
}

// From slopes in directions to slopes in vectors.
void back_through_lengths(const Directions& d, Rows& slopes) {
  for (int64_t i = 0; i < slopes.rows; ++i) {
    const double* const u = d.units.row(i);
    double* const s = slopes.row(i);
    double along = 0;
    for (int64_t c = 0; c < slopes.cols; ++c) along += s[c] * u[c];
    for (int64_t c = 0; c < slopes.cols; ++c) s[c] = (s[c] - along * u[c]) / d.lengths[static_cast<size_t>(i)];
  }
}

void add_scaled(double* to, const double* from, double factor, int64_t count) {
  for (int64_t c = 0; c < count; ++c) to[c] += factor * from[c];
}

/// Cosines of queries and documents; then the slopes of the loss in them.
struct Grid {
  size_t rows, cols;
  std::vector<double> values;
  double& at(size_t r, size_t c) { return values[r * cols + c]; }
};

// Column by column of the vectors: the inner loop has no sum in it, so that it is as fast as memory.
Grid cosines_of(const Rows& units, const TextGroups& g) {
  Grid grid{g.queries.size(), g.documents.size(), std::vector<double>(g.queries.size() * g.documents.size())};
  std::vector<double> across(static_cast<size_t>(units.cols) * grid.cols);
  for (size_t j = 0; j < grid.cols; ++j)
    for (int64_t c = 0; c < units.cols; ++c)
      across[static_cast<size_t>(c) * grid.cols + j] = units.row(g.documents[j])[c];
  for (size_t i = 0; i < grid.rows; ++i)
    for (int64_t c = 0; c < units.cols; ++c)
      add_scaled(&grid.at(i, 0), &across[static_cast<size_t>(c) * grid.cols], units.row(g.queries[i])[c],
                 static_cast<int64_t>(grid.cols));
  return grid;
}

/// One choice among several by their scores: adds weight · −log of the right one's share to the loss, and its slopes.
class Choice {
 public:
  void begin() { scores_.clear(), slopes_.clear(); }
  void add(double score, double* slope) { scores_.push_back(score), slopes_.push_back(slope); }
  double settle(size_t right, double weight) const {
    const double most = *std::max_element(scores_.begin(), scores_.end());
    double sum = 0;
    for (const double score : scores_) sum += std::exp(score - most);
    for (size_t i = 0; i < scores_.size(); ++i)
      *slopes_[i] += weight * (std::exp(scores_[i] - most) / sum - (i == right ? 1 : 0));
    return weight * (std::log(sum) + most - scores_[right]);
  }

 private:
  std::vector<double> scores_;
  std::vector<double*> slopes_;
};

void rank(Grid& cosines, const TextGroups& g, ContrastiveResult& result) {
  for (size_t i = 0; i < cosines.rows; ++i) {
    const auto own = static_cast<size_t>(g.right[i]);
    int64_t before = 0;
    for (size_t j = 0; j < cosines.cols; ++j)
      before += j != own && !g.is_same(i, j) && !(cosines.at(i, j) < cosines.at(i, own));
    result.first += before == 0;
    if (before < 10) result.reciprocal_ranks += 1 / static_cast<double>(before + 1);
  }
}

}  // namespace

ContrastiveResult info_nce(const ContrastiveConfig& config, const Rows& vectors, const TextGroups& g) {
  const Directions d = directions_of(vectors);
  Grid cosines = cosines_of(d.units, g), slopes{cosines.rows, cosines.cols, std::vector<double>(cosines.values.size())};
  ContrastiveResult result;
  rank(cosines, g, result);
  const double weight = config.symmetric ? 0.5 : 1;
  Choice choice;
  for (size_t i = 0; i < cosines.rows; ++i) {
    size_t right = 0, seen = 0;
    choice.begin();
    for (size_t j = 0; j < cosines.cols; ++j) {
      if (g.is_same(i, j)) continue;
      if (static_cast<int64_t>(j) == g.right[i]) right = seen;
      choice.add(cosines.at(i, j) / config.temperature, &slopes.at(i, j)), ++seen;
    }
    result.loss += choice.settle(right, weight);
  }
  for (size_t i = 0; config.symmetric && i < cosines.rows; ++i) {
    const auto own = static_cast<size_t>(g.right[i]);
    size_t right = 0, seen = 0;
    choice.begin();
    for (size_t k = 0; k < cosines.rows; ++k) {
      if (g.is_same(k, own)) continue;
      if (k == i) right = seen;
      choice.add(cosines.at(k, own) / config.temperature, &slopes.at(k, own)), ++seen;
    }
    result.loss += choice.settle(right, weight);
  }
  result.slopes = {vectors.rows, vectors.cols, std::vector<double>(vectors.values.size())};
  for (size_t i = 0; i < cosines.rows; ++i)
    for (size_t j = 0; j < cosines.cols; ++j) {
      const double slope = slopes.at(i, j) / config.temperature;
      if (slope == 0) continue;
      add_scaled(result.slopes.row(g.queries[i]), d.units.row(g.documents[j]), slope, vectors.cols);
      add_scaled(result.slopes.row(g.documents[j]), d.units.row(g.queries[i]), slope, vectors.cols);
    }
  back_through_lengths(d, result.slopes);
  return result;
}

ContrastiveResult cosent(const ContrastiveConfig& config, const Rows& vectors, std::span<const double> scores) {
  const Directions d = directions_of(vectors);
  const size_t pairs = scores.size();
  ContrastiveResult result;
  for (size_t i = 0; i < pairs; ++i) {
    const auto row = static_cast<int64_t>(2 * i);
    result.cosines.push_back(
        std::inner_product(d.units.row(row), d.units.row(row) + vectors.cols, d.units.row(row + 1), 0.0));
  }
  const auto gap = [&](size_t i, size_t j) { return (result.cosines[i] - result.cosines[j]) / config.temperature; };
  double most = 0;  // that of the 1
  for (size_t i = 0; i < pairs; ++i)
    for (size_t j = 0; j < pairs; ++j)
      if (scores[i] < scores[j]) most = std::max(most, gap(i, j));
  double sum = std::exp(-most);
  for (size_t i = 0; i < pairs; ++i)
    for (size_t j = 0; j < pairs; ++j)
      if (scores[i] < scores[j]) sum += std::exp(gap(i, j) - most);
  const double count = static_cast<double>(pairs);
  result.loss = count * (std::log(sum) + most);
  std::vector<double> slopes(pairs);
  for (size_t i = 0; i < pairs; ++i)
    for (size_t j = 0; j < pairs; ++j) {
      if (!(scores[i] < scores[j])) continue;
      const double slope = count * std::exp(gap(i, j) - most) / sum / config.temperature;
      slopes[i] += slope, slopes[j] -= slope;
    }
  result.slopes = {vectors.rows, vectors.cols, std::vector<double>(vectors.values.size())};
  for (size_t i = 0; i < pairs; ++i) {
    const auto row = static_cast<int64_t>(2 * i);
    add_scaled(result.slopes.row(row), d.units.row(row + 1), slopes[i], vectors.cols);
    add_scaled(result.slopes.row(row + 1), d.units.row(row), slopes[i], vectors.cols);
  }
  back_through_lengths(d, result.slopes);
  return result;
}

namespace {

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return ranks;
}

}  // namespace

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) {
  CHECK(a.size() == b.size());
  const std::vector<double> x = ranks_of(a), y = ranks_of(b);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i)
    xy += (x[i] - mean) * (y[i] - mean), xx += (x[i] - mean) * (x[i] - mean), yy += (y[i] - mean) * (y[i] - mean);
  if (!(xx > 0) || !(yy > 0)) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

}  // namespace maru::train
