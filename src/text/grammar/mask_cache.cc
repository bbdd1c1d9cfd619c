#include "text/grammar/mask_cache.h"

#include <algorithm>

#include "text/grammar/token_trie.h"

namespace maru::text::grammar {
namespace {

constexpr uint32_t kLargeSubtree = 2000;  // is walked where it stands, not copied
constexpr size_t kFewTokens = 256;        // are kept as a list

/// One walk over all tokens.
class Walk {
 public:
  Walk(const TokenTrie& tokens, const ByteDfa& dfa) : tokens_(tokens), trie_(tokens.trie()), dfa_(dfa) {}

  std::shared_ptr<const StateMask> run(uint32_t state) {
    auto mask = std::make_shared<StateMask>();
    walk(state, *mask);
    inside_.resize(tokens_.mask_words());
    for (const auto& [token, units] : stays_) inside_[static_cast<uint32_t>(token) >> 5] |= 1u << (token & 31);
    gather_exits(*mask);
    keep_inside(*mask);
    mask->bytes = size_of(*mask);
    return mask;
  }

 private:
  struct Exit {
    uint32_t node, units;
  };
  struct Level {
    uint32_t state, units;
  };

  void walk(uint32_t start, StateMask& mask) {
    std::vector<Level> levels{{start, 0}};
    for (uint32_t i = 0; i < trie_.size();) {
      const FlatTrie::Node& node = trie_.node(i);
      ++mask.visited;
      const Level before = levels[node.depth - 1u];
      const uint32_t state = dfa_.next(before.state, node.byte);
      if (state == ByteDfa::kDead) {
        i = node.end;
        continue;
      }
      const bool counts = dfa_.counting() != 0 && before.state == dfa_.counting() && !dfa_.accepts(state);
      const uint32_t units = before.units + (counts ? 1 : 0);
      if (dfa_.accepts(state)) exits_.push_back({i, units});
      if (!dfa_.goes_on(state)) {
        i = node.end;
        continue;
      }
      for (const int32_t token : trie_.tokens_at(i)) stays_.emplace_back(token, units);
      levels.resize(node.depth);
      levels.push_back({state, units});
      ++i;
    }
  }
  bool inside(int32_t token) const { return (inside_[static_cast<uint32_t>(token) >> 5] >> (token & 31) & 1) != 0; }

  void gather_exits(StateMask& mask) {
    std::stable_sort(exits_.begin(), exits_.end(), [](const Exit& a, const Exit& b) { return a.units < b.units; });
    std::vector<std::pair<std::string_view, int32_t>> all;
    for (size_t i = 0; i < exits_.size();) {
      StateMask::Exits group{.units = exits_[i].units};
      std::vector<std::pair<std::string_view, int32_t>> strings;
      for (; i < exits_.size() && exits_[i].units == group.units; ++i) add_exit(exits_[i].node, group, strings);
      if (dfa_.counting() != 0) all.insert(all.end(), strings.begin(), strings.end());
      merge(group, mask.all_exits);
      group.rest = FlatTrie(std::move(strings));
      if (dfa_.counting() != 0) {
        mask.exits.push_back(std::move(group));
      } else {
        mask.all_exits.rest = std::move(group.rest);
      }
    }
    if (dfa_.counting() != 0) mask.all_exits.rest = FlatTrie(std::move(all));
  }
  void add_exit(uint32_t at, StateMask::Exits& group, std::vector<std::pair<std::string_view, int32_t>>& strings) {
    const FlatTrie::Node& node = trie_.node(at);
    for (const int32_t token : trie_.tokens_at(at))
      if (!inside(token)) group.ends.push_back(token);
    if (node.end - at > kLargeSubtree) {
      group.below.push_back({at + 1, node.end, node.depth});
      return;
    }
    if (node.end == at + 1) return;
    for (const int32_t token : trie_.tokens_below(at + 1, node.end))
      if (!inside(token)) strings.emplace_back(tokens_.bytes_of(token).substr(node.depth), token);
  }
  static void merge(const StateMask::Exits& group, StateMask::Exits& all) {
    all.ends.insert(all.ends.end(), group.ends.begin(), group.ends.end());
    all.below.insert(all.below.end(), group.below.begin(), group.below.end());
  }

  void keep_inside(StateMask& mask) {
    if (stays_.size() <= kFewTokens) {
      for (const auto& [token, units] : stays_) mask.tokens.push_back(token);
    } else {
      mask.bits = std::move(inside_);
    }
    if (dfa_.counting() == 0) return;
    std::stable_sort(stays_.begin(), stays_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const auto& [token, units] : stays_) {
      while (mask.counts.size() <= units) mask.counts.push_back(static_cast<uint32_t>(mask.counted.size()));
      mask.counted.push_back(token);
    }
    mask.counts.push_back(static_cast<uint32_t>(mask.counted.size()));
  }
  static size_t size_of(const StateMask::Exits& e) {
    return sizeof e + 4 * e.ends.size() + e.rest.bytes() + sizeof(StateMask::Exits::Below) * e.below.size();
  }
  static size_t size_of(const StateMask& mask) {
    size_t bytes = sizeof mask + 4 * (mask.bits.size() + mask.tokens.size() + mask.counted.size() + mask.counts.size());
    for (const StateMask::Exits& e : mask.exits) bytes += size_of(e);
    return bytes + size_of(mask.all_exits);
  }

  const TokenTrie& tokens_;
  const FlatTrie& trie_;
  const ByteDfa& dfa_;
  std::vector<Exit> exits_;
  std::vector<std::pair<int32_t, uint32_t>> stays_;  // tokens, and characters that they begin
  std::vector<uint32_t> inside_;
};

}  // namespace

template <class T>
std::shared_ptr<const T> BoundedCache<T>::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (const auto it = young_.find(key); it != young_.end()) return it->second.first;
  const auto it = old_.find(key);
  if (it == old_.end()) return nullptr;
  const auto kept = std::move(it->second);
  old_.erase(it);
  young_bytes_ += kept.second;
  return young_.emplace(key, kept).first->second.first;
}

template <class T>
void BoundedCache<T>::keep(const std::string& key, const std::shared_ptr<const T>& value, size_t bytes) {
  bytes += 2 * key.size() + 100;
  const std::lock_guard lock(mutex_);
  if (young_bytes_ + bytes > max_bytes_ / 2) {
    old_ = std::move(young_);
    young_.clear();
    young_bytes_ = 0;
  }
  if (young_.emplace(key, std::pair(value, bytes)).second) young_bytes_ += bytes;
}

std::shared_ptr<const StateMask> MaskCache::find(const ByteDfa& dfa, uint32_t state) {
  const std::string key = dfa.digest() + std::to_string(state);
  if (auto mask = states_.find(key)) return mask;
  const auto made = Walk(tokens_, dfa).run(state);  // two threads may both make it: the same
  states_.keep(key, made, made->bytes);
  return made;
}

std::shared_ptr<const std::vector<uint32_t>> MaskCache::find_whole(const std::string& key) {
  return key.empty() ? nullptr : wholes_.find(key);
}

void MaskCache::keep_whole(const std::string& key, std::span<const uint32_t> mask) {
  wholes_.keep(key, std::make_shared<std::vector<uint32_t>>(mask.begin(), mask.end()), 4 * mask.size());
}

}  // namespace maru::text::grammar
