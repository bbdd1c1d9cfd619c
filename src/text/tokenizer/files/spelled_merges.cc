#include "text/tokenizer/files/spelled_merges.h"

#include <algorithm>

#include "text/tokenizer/byte_trie.h"

namespace maru::text {
namespace {

/// The tokens that other tokens begin and end with.
class Halves {
 public:
  explicit Halves(const std::vector<MergeableToken>& tokens) {
    for (const MergeableToken& token : tokens) {
      beginnings_.add(token.bytes, token.id);
      endings_.add(std::string(token.bytes.rbegin(), token.bytes.rend()), token.id);
    }
  }

  void append_splits(const MergeableToken& token, std::vector<Merge>& merges) {
    const std::string& bytes = token.bytes;
    left_.assign(bytes.size(), -1);  // by length
    uint32_t node = ByteTrie::kRoot;
    for (size_t i = 0; i + 1 < bytes.size() && (node = beginnings_.child(node, bytes[i])) != ByteTrie::kNone; ++i)
      left_[i + 1] = beginnings_.value(node);
    node = ByteTrie::kRoot;
    for (size_t i = bytes.size(); i > 1 && (node = endings_.child(node, bytes[i - 1])) != ByteTrie::kNone; --i) {
      const int32_t left = left_[i - 1], right = endings_.value(node);
      if (left >= 0 && right >= 0) merges.push_back({left, right, token.id});
    }
  }

 private:
  ByteTrie beginnings_, endings_;
  std::vector<int32_t> left_;
};

}  // namespace

void spell_merges(std::vector<MergeableToken> tokens, BpeSpec& bpe) {
  std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.priority < b.priority; });
  Halves halves(tokens);
  uint32_t rank = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && tokens[i].priority > tokens[i - 1].priority && !bpe.ranks.empty()) rank = bpe.ranks.back() + 1;
    halves.append_splits(tokens[i], bpe.merges);
    bpe.ranks.resize(bpe.merges.size(), rank);
  }
}

}  // namespace maru::text
