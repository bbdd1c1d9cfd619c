// Finds added tokens in a text: leftmost, then longest, as Hugging Face's tokenizers do. Tokens may ask for white space
// around them, which they swallow, or for standing alone as a word. Immutable.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

class AddedTokenMatcher {
 public:
  struct Match {
    size_t begin, end;  // begin == npos: none
    int32_t id;
  };
  AddedTokenMatcher() = default;
  explicit AddedTokenMatcher(const std::vector<AddedToken>& tokens);
  bool empty() const { return nodes_.size() <= 1; }
  /// The first match at or behind `from`.
  ///
  /// Cost     Linear in the text for tokens that do not repeat themselves; at most length × longest token.
  Match find(std::string_view text, size_t from) const;
  /// The same with what the tokens ask for: a match never begins before `from`, and swallowed white space belongs to
  /// it. `scan` is where to look on, moved behind the token's own spelling; begin it with `from`.
  Match find_cut(std::string_view text, size_t from, size_t& scan) const;

 private:
  struct Flags {
    bool single_word = false, lstrip = false, rstrip = false;
  };

  struct Node {
    int32_t id = -1;                  // token that ends here
    uint32_t child = 0, sibling = 0;  // 0: none
    char byte = 0;
  };
  uint32_t child_of(uint32_t node, char byte) const;
  void add(const AddedToken& token);
  std::vector<Node> nodes_{1};
  std::unordered_map<int32_t, Flags> flags_;  // of the tokens that have any
  std::array<bool, 256> first_{};
  int only_first_ = -1;  // the byte all tokens begin with, if there is one: memchr finds it
};

}  // namespace maru::text
