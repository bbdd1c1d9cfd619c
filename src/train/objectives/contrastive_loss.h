// Losses of vectors of texts. Vectors are divided by their lengths; s = cosine / temperature.
//
//   Of queries q_i with a right document d_i each, and wrong ones (InfoNCE; van den Oord et al. 2018, arXiv:1807.03748,
//   eq. 4; with in-batch negatives, Henderson et al. 2017, arXiv:1705.00652, §4; sentence-transformers'
//   MultipleNegativesRankingLoss with scale 1 / temperature):
//
//     L_i = −s(q_i, d_i) + log Σ_j exp s(q_i, d_j),  j over all documents of the batch, mined negatives of others too
//
//   symmetric: ½ (L_i + L'_i), L'_i = −s(q_i, d_i) + log Σ_k exp s(q_k, d_i) (MultipleNegativesSymmetricRankingLoss).
//   A document that is right for a query with the same tokens as q_i, by its tokens, is no negative of q_i: the same
//   text twice in a batch is not pushed away from itself. (sentence-transformers leaves that to its batch sampler.)
//
//   Of pairs of texts with scores y (CoSENT; Su 2022, kexue.fm/archives/8847; sentence-transformers' CoSENTLoss):
//
//     L = log(1 + Σ exp(s_i − s_j)),  over all pairs i, j with y_i < y_j
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"

namespace maru::train {

struct ContrastiveConfig {
  std::string pooling;
  double temperature = 0.05;
  bool symmetric = false;
  static constexpr auto fields() {
    using C = ContrastiveConfig;
    return std::tuple{field("pooling", &C::pooling,
                            "how vectors of tokens become one of the text; empty: as the model says, mean of a decoder")
                          .one_of("|mean|lasttoken|cls"),
                      field("temperature", &C::temperature, "cosines are divided by it").range(1e-3, 100),
                      field("symmetric", &C::symmetric, "queries are told apart for each document, too")};
  }
};

/// Rows of numbers.
struct Rows {
  int64_t rows = 0, cols = 0;
  std::vector<double> values;
  double* row(int64_t i) { return values.data() + i * cols; }
  const double* row(int64_t i) const { return values.data() + i * cols; }
};

/// Which of a batch's vectors are what.
struct TextGroups {
  std::vector<int64_t> queries, documents;  // rows
  std::vector<int64_t> right;               // of each query: index into documents
  std::vector<char> same;  // [queries · documents]: right for such a query, but not the one of this; no negative
  bool is_same(size_t query, size_t document) const { return same[query * documents.size() + document] != 0; }
};

/// What a batch's vectors are worth.
struct ContrastiveResult {
  double loss = 0;                         // Σ L_i; or L times the number of pairs
  Rows slopes;                             // of the loss in the vectors
  std::vector<double> cosines;             // of the pairs with scores
  double first = 0, reciprocal_ranks = 0;  // queries whose right document comes first; Σ 1 / its rank, 0 beyond 10
};

/// Of a document as good as the right one the right one is behind.
///
/// Cost     queries · documents · cols, twice more for slopes; on one thread, in a fixed order.
ContrastiveResult info_nce(const ContrastiveConfig& config, const Rows& vectors, const TextGroups& groups);
/// Rows 2i and 2i + 1 are a pair with scores[i].
ContrastiveResult cosent(const ContrastiveConfig& config, const Rows& vectors, std::span<const double> scores);

/// Spearman's rank correlation, equal values with the mean of their ranks; nothing where one of both is constant.
///
/// Source   Kendall 1948, Rank correlation methods, §3.8; scipy.stats.spearmanr.
std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

}  // namespace maru::train
