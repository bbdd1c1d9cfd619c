#include "text/tokenizer/train/merge_learner.h"

#include <algorithm>

#include "base/error.h"
#include "text/tokenizer/byte_alphabet.h"

namespace maru::text {
namespace {

constexpr int32_t kReserved = -1;

}  // namespace

void MergeLearner::Side::add(int32_t token, int64_t count, uint32_t word) {
  if (by_token.size() <= static_cast<size_t>(token)) by_token.resize(static_cast<size_t>(token) + 1024);
  Neighbour& neighbour = by_token[token];
  if (neighbour.words.empty()) touched.push_back(token);
  if (neighbour.words.empty() || neighbour.words.back() != word) neighbour.words.push_back(word);
  neighbour.count += count;
}

MergeLearner::MergeLearner(const std::vector<PretokenCount>& counts, const Options& options) : options_(options) {
  for (const std::string& spelling : options_.reserved) id_of_.emplace(spelling, kReserved);
  const ByteAlphabet alphabet;
  for (const uint8_t byte : alphabet.order()) {
    id_of_.emplace(std::string(1, static_cast<char>(byte)), options_.first_id + static_cast<int32_t>(tokens_.size()));
    tokens_.emplace_back(1, static_cast<char>(byte));
  }
  add_words(counts);
  count_pairs();
}

void MergeLearner::add_words(const std::vector<PretokenCount>& counts) {
  CHECK(counts.size() < UINT32_MAX);
  std::array<int32_t, 256> ids;
  for (size_t i = 0; i < 256; ++i)
    ids[static_cast<uint8_t>(tokens_[i][0])] = options_.first_id + static_cast<int32_t>(i);
  for (const PretokenCount& c : counts) {
    if (c.bytes.size() < 2) continue;  // nothing to merge
    words_.push_back({symbols_.size(), static_cast<uint32_t>(c.bytes.size()), c.count});
    for (const char byte : c.bytes) symbols_.push_back(ids[static_cast<uint8_t>(byte)]);
  }
}

void MergeLearner::count_pairs() {
  for (uint32_t w = 0; w < words_.size(); ++w) {
    const int32_t* symbol = &symbols_[words_[w].begin];
    for (uint32_t i = 0; i + 1 < words_[w].length; ++i) {
      Pair& pair = pairs_[key_of(symbol[i], symbol[i + 1])];
      pair.count += words_[w].count;
      if (pair.words.empty() || pair.words.back() != w) pair.words.push_back(w);
    }
  }
  for (const auto& [key, pair] : pairs_) queue_.push({pair.count, key});
}

bool MergeLearner::pop_best(Candidate& best) {
  while (!queue_.empty()) {
    best = queue_.top();
    queue_.pop();
    const Pair& pair = pairs_[best.key];
    if (pair.words.empty()) continue;  // an older entry of this pair did the work
    if (pair.count == best.count) return best.count >= std::max<int64_t>(1, options_.min_frequency);
    best.count = pair.count;
    if (best.count > 0) queue_.push(best);
  }
  return false;
}

bool MergeLearner::may_join(int32_t left, int32_t right) const {
  return bytes_of(left).size() + bytes_of(right).size() <= options_.max_token_bytes;
}

// The token spelled by the two together: usually new, sometimes one that other merges spell too.
int32_t MergeLearner::token_for(int32_t left, int32_t right) {
  const int32_t next = options_.first_id + static_cast<int32_t>(tokens_.size());
  const auto [it, fresh] = id_of_.emplace(bytes_of(left) + bytes_of(right), next);
  if (fresh) tokens_.push_back(it->first);
  return it->second;
}

bool MergeLearner::step() {
  Candidate best{};
  if (options_.first_id + static_cast<int64_t>(tokens_.size()) >= options_.vocab_size || !pop_best(best)) return false;
  const int32_t left = static_cast<int32_t>(best.key >> 32), right = static_cast<int32_t>(best.key & UINT32_MAX);
  Pair& pair = pairs_[best.key];
  std::vector<uint32_t> words = std::move(pair.words);
  pair.words = {};
  const int32_t result = token_for(left, right);
  if (result == kReserved) return true;
  if (!pair.merged) merges_.push_back({left, right, result});
  pair.merged = true;
  for (const uint32_t word : words) merge_in_word(word, left, right, result);
  apply_changes(left, right, result);
  return true;
}

void MergeLearner::merge_in_word(uint32_t index, int32_t left, int32_t right, int32_t result) {
  Word& word = words_[index];
  int32_t* const symbol = &symbols_[word.begin];
  uint32_t to = 0;
  for (uint32_t from = 0; from < word.length;) {
    const bool match = symbol[from] == left && from + 1 < word.length && symbol[from + 1] == right;
    if (!match) {
      symbol[to++] = symbol[from++];
      continue;
    }
    if (to > 0) left_side_.add(symbol[to - 1], word.count, index);
    if (from + 2 < word.length) right_side_.add(symbol[from + 2], word.count, index);
    symbol[to++] = result;
    from += 2;
  }
  word.length = to;
}

void MergeLearner::take_from(int32_t left, int32_t right, int64_t count) { pairs_[key_of(left, right)].count -= count; }

void MergeLearner::give_to(int32_t left, int32_t right, Neighbour& neighbour) {
  if (!may_join(left, right)) return;
  const uint64_t key = key_of(left, right);
  Pair& pair = pairs_[key];
  pair.count += neighbour.count;
  if (pair.words.empty())
    pair.words = std::move(neighbour.words);
  else
    pair.words.insert(pair.words.end(), neighbour.words.begin(), neighbour.words.end());
}

void MergeLearner::apply_changes(int32_t left, int32_t right, int32_t result) {
  for (const int32_t x : left_side_.touched) {
    take_from(x, left, left_side_.by_token[x].count);
    give_to(x, result, left_side_.by_token[x]);
  }
  for (const int32_t y : right_side_.touched) {
    take_from(right, y, right_side_.by_token[y].count);
    give_to(result, y, right_side_.by_token[y]);
  }
  const auto push = [&](int32_t a, int32_t b) {
    const auto it = pairs_.find(key_of(a, b));
    if (it != pairs_.end() && it->second.count > 0) queue_.push({it->second.count, it->first});
  };
  for (const int32_t x : left_side_.touched) push(x, result), left_side_.by_token[x] = {};
  for (const int32_t y : right_side_.touched) push(result, y), right_side_.by_token[y] = {};
  left_side_.touched.clear();
  right_side_.touched.clear();
}

}  // namespace maru::text
