// Which tokens an automaton takes from one of its states, whatever stands around it: what a mask is put together from.
// Found by walking all tokens once, then kept for every grammar with the same automaton.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/grammar/byte_dfa.h"
#include "text/grammar/flat_trie.h"

namespace maru::text {
class TokenTrie;
}

namespace maru::text::grammar {

/// Tokens seen from one state of an automaton. Those that stay inside it are allowed. Of those that leave it, `rest` is
/// what comes behind, which only the grammar around can judge.
struct StateMask {
  /// Tokens that leave the automaton after so many characters (0 where none are counted).
  struct Exits {
    uint64_t units = 0;
    std::vector<int32_t> ends;  // end with it
    FlatTrie rest;              // go on
    /// The same where much comes behind: nodes of the trie of all tokens, and their depth before.
    struct Below {
      uint32_t begin, end;
      uint16_t depth;
    };
    std::vector<Below> below;
  };
  std::vector<uint32_t> bits;    // stay inside: a mask, or, where they are few,
  std::vector<int32_t> tokens;   // a list
  std::vector<int32_t> counted;  // stay inside, by characters begun, of automata that count them
  std::vector<uint32_t> counts;  // counted[counts[k]] is the first of more than k - 1 … that is, of at least k
  std::vector<Exits> exits;      // by characters
  Exits all_exits;               // the same together, whatever the characters
  size_t visited = 0;            // nodes looked at to find this
  size_t bytes = 0;              // its size
};

/// Values by key within so many bytes, in two generations: what was not asked for while the younger one filled up is
/// forgotten. Thread-safe.
template <class T>
class BoundedCache {
 public:
  explicit BoundedCache(size_t max_bytes) : max_bytes_(max_bytes) {}
  std::shared_ptr<const T> find(const std::string& key);
  void keep(const std::string& key, const std::shared_ptr<const T>& value, size_t bytes);

 private:
  using Map = std::unordered_map<std::string, std::pair<std::shared_ptr<const T>, size_t>>;
  const size_t max_bytes_;
  std::mutex mutex_;
  Map young_, old_;
  size_t young_bytes_ = 0;
};

/// Thread-safe.
class MaskCache {
 public:
  static constexpr size_t kMaxBytes = size_t{96} << 20;  // of each of the two
  /// The tokens must outlive it.
  explicit MaskCache(const TokenTrie& tokens) : tokens_(tokens) {}
  std::shared_ptr<const StateMask> find(const ByteDfa& dfa, uint32_t state);

  /// Masks as a whole, by all that they depend on. Null: not known.
  std::shared_ptr<const std::vector<uint32_t>> find_whole(const std::string& key);
  void keep_whole(const std::string& key, std::span<const uint32_t> mask);

 private:
  const TokenTrie& tokens_;
  BoundedCache<StateMask> states_{kMaxBytes};
  BoundedCache<std::vector<uint32_t>> wholes_{kMaxBytes};
};

}  // namespace maru::text::grammar
