// Losses of the scores of documents to one query, the right one's before the others'.
//
//   pairwise   the mean over the wrong ones of −log σ(s_right − s_wrong)     (RankNet: Burges et al. 2005, §4)
//   listwise   −log (exp s_right / Σ exp s), over all of them                (ListNet's top one: Cao et al. 2007, §4.3;
//              as rerankers are trained: Gao et al. 2021, arXiv:2101.08751, eq. 3)
#pragma once
#include <span>
#include <string>

#include "base/fields.h"

namespace maru::train {

struct RankConfig {
  std::string loss_type = "listwise";
  static constexpr auto fields() {
    return std::tuple{field("loss_type", &RankConfig::loss_type,
                            "the right document against each wrong one (pairwise), or against all (listwise)")
                          .one_of("pairwise|listwise")};
  }
};

/// Of at least two scores; slopes, as many, are overwritten.
double ranking_loss(const RankConfig& config, std::span<const double> scores, std::span<double> slopes);

}  // namespace maru::train
