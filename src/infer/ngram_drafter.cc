#include "infer/ngram_drafter.h"

#include <algorithm>

#include "base/random.h"

namespace maru::infer {
namespace {

uint64_t hash_of(std::span<const int32_t> gram) {
  uint64_t hash = 0;
  for (const int32_t token : gram) hash = mix64(hash ^ static_cast<uint64_t>(token));
  return hash;
}

}  // namespace

/// Every gram but the newest, which has nothing behind it.
void NgramDrafter::index(std::span<const int32_t> tokens) {
  for (; indexed_ + kGram < std::ssize(tokens); ++indexed_)
    after_[hash_of(tokens.subspan(static_cast<size_t>(indexed_), kGram))] = indexed_ + kGram;
}

std::vector<int32_t> NgramDrafter::guess(std::span<const int32_t> tokens) {
  if (std::ssize(tokens) <= kGram) return {};
  index(tokens);
  const int64_t length = length_.next();
  if (length == 0) return {};
  const auto newest = tokens.last(kGram);
  const auto found = after_.find(hash_of(newest));
  if (found == after_.end()) return {};
  const auto at = static_cast<size_t>(found->second);
  if (!std::ranges::equal(tokens.subspan(at - kGram, kGram), newest)) return {};  // of the same hash alone
  const std::span<const int32_t> said = tokens.subspan(at, std::min(tokens.size() - at, static_cast<size_t>(length)));
  return {said.begin(), said.end()};
}

}  // namespace maru::infer
