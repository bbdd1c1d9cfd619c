#include <algorithm>

#include "tune/rewards/rules.h"

namespace maru::tune {

// Beginnings of runs in the order of their tokens: equal ones stand side by side.
double repetition_reward(std::span<const int32_t> tokens, int64_t ngram) {
  const auto n = static_cast<size_t>(ngram);
  if (tokens.size() < n) return 0;
  std::vector<size_t> begins(tokens.size() - n + 1);
  for (size_t i = 0; i < begins.size(); ++i) begins[i] = i;
  const auto run = [&](size_t i) { return tokens.subspan(i, n); };
  std::ranges::sort(begins, [&](size_t a, size_t b) { return std::ranges::lexicographical_compare(run(a), run(b)); });
  size_t repeated = 0;
  for (size_t i = 1; i < begins.size(); ++i) repeated += std::ranges::equal(run(begins[i - 1]), run(begins[i]));
  return 0 - static_cast<double>(repeated) / static_cast<double>(begins.size());
}

}  // namespace maru::tune
