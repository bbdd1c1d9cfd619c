#include "tune/advantages.h"

#include <algorithm>
#include <cmath>

namespace maru::tune {
namespace {

constexpr double kTiny = 1e-4;

/// Calls f(first, behind) for the answers of each prompt.
template <class F>
void for_groups(size_t answers, int64_t num_generations, const F& f) {
  const auto group = static_cast<size_t>(num_generations);
  CHECK(answers % group == 0);
  for (size_t first = 0; first < answers; first += group) f(first, first + group);
}

Spread spread_between(const std::vector<Score>& numbers, size_t first, size_t behind) {
  Spread s;
  std::optional<double> least, most;
  for (size_t i = first; i < behind; ++i) {
    if (!numbers[i]) continue;
    s.mean += *numbers[i], ++s.count;
    least = std::min(least.value_or(*numbers[i]), *numbers[i]);
    most = std::max(most.value_or(*numbers[i]), *numbers[i]);
  }
  if (s.count > 0) s.mean /= static_cast<double>(s.count);
  if (s.count > 0 && *least == *most) return {*least, 0, s.count};  // to the bit: nobody is better than another
  for (size_t i = first; i < behind && s.count > 1; ++i)
    if (numbers[i]) s.deviation += (*numbers[i] - s.mean) * (*numbers[i] - s.mean);
  if (s.count > 1) s.deviation = std::sqrt(s.deviation / static_cast<double>(s.count - 1));
  return s;
}

std::vector<Score> normalised(const std::vector<Score>& numbers, int64_t num_generations) {
  std::vector<Score> to(numbers.size());
  for_groups(numbers.size(), num_generations, [&](size_t first, size_t behind) {
    const Spread s = spread_between(numbers, first, behind);
    for (size_t i = first; i < behind; ++i)
      if (numbers[i]) to[i] = (*numbers[i] - s.mean) / (s.deviation + kTiny);
  });
  return to;
}

std::vector<double> normalised_then_summed(const train::GroupPolicyConfig& c,
                                           const std::vector<std::vector<Score>>& scores) {
  std::vector<std::vector<Score>> each;
  for (const std::vector<Score>& one : scores) each.push_back(normalised(one, c.num_generations));
  const std::vector<Score> sums = total_rewards(c, each);
  const Spread all = spread_of(sums);
  std::vector<double> advantages(sums.size());
  for (size_t i = 0; i < sums.size(); ++i)
    if (sums[i]) advantages[i] = (*sums[i] - all.mean) / (all.deviation + kTiny);
  return advantages;
}

}  // namespace

Spread spread_of(const std::vector<Score>& numbers) { return spread_between(numbers, 0, numbers.size()); }

std::vector<Score> total_rewards(const train::GroupPolicyConfig& c, const std::vector<std::vector<Score>>& scores) {
  CHECK(scores.size() == c.rewards.size() && !scores.empty());
  std::vector<Score> totals(scores[0].size());
  for (size_t r = 0; r < scores.size(); ++r)
    for (size_t i = 0; i < totals.size(); ++i)
      if (scores[r][i]) totals[i] = totals[i].value_or(0) + c.rewards[r].weight * *scores[r][i];
  return totals;
}

std::vector<double> advantages_of(const train::GroupPolicyConfig& c, const std::vector<std::vector<Score>>& scores) {
  if (c.multi_objective_aggregation == "normalize_then_sum") return normalised_then_summed(c, scores);
  const std::vector<Score> totals = total_rewards(c, scores);
  const Spread all = spread_of(totals);
  std::vector<double> advantages(totals.size());
  for_groups(totals.size(), c.num_generations, [&](size_t first, size_t behind) {
    const Spread own = spread_between(totals, first, behind);
    const double deviation = c.scale_rewards == "batch" ? all.deviation : own.deviation;
    for (size_t i = first; i < behind; ++i)
      if (totals[i]) advantages[i] = (*totals[i] - own.mean) / (c.scale_rewards == "none" ? 1 : deviation + kTiny);
  });
  return advantages;
}

}  // namespace maru::tune
