// The tokens of a model as bytes, in the shape in which grammars ask for them, and what was learnt of them: which
// tokens an automaton takes from a state. One per model, shared by all answers and threads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/grammar/flat_trie.h"

namespace maru::text {

class Tokenizer;
namespace grammar {
class MaskCache;
}

class TokenTrie {
 public:
  /// `num_ids`: how many logits the model has, if that is more than the tokenizer has tokens; the rest is never
  /// allowed.
  explicit TokenTrie(const Tokenizer& tokenizer, int64_t num_ids = 0);
  /// Tokens by their bytes, and special ones by their spelling.
  TokenTrie(std::vector<std::pair<int32_t, std::string>> tokens, std::vector<std::pair<int32_t, std::string>> specials);
  ~TokenTrie();

  /// Ids are below it. A mask has (num_ids + 31) / 32 words.
  int64_t num_ids() const { return num_ids_; }
  size_t mask_words() const { return static_cast<size_t>(num_ids_ + 31) / 32; }
  /// Of an ordinary token; empty for special ones, holes and ids beyond.
  std::string_view bytes_of(int32_t id) const;
  /// Of a special token; empty: it is none.
  std::string_view spelling_of_special(int32_t id) const;
  const std::vector<std::pair<int32_t, std::string>>& specials() const { return specials_; }
  const grammar::FlatTrie& trie() const { return trie_; }
  grammar::MaskCache& masks() const { return *masks_; }

 private:
  void build();
  int64_t num_ids_ = 0;
  std::vector<std::pair<int32_t, std::string>> tokens_, specials_;
  std::vector<std::string_view> bytes_;  // by id
  std::unordered_map<int32_t, std::string_view> special_spellings_;
  grammar::FlatTrie trie_;
  std::unique_ptr<grammar::MaskCache> masks_;
};

}  // namespace maru::text
