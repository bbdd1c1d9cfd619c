// A set of byte strings with numbers, in the order of a walk: depth first, children behind their parent, and for every
// node where its subtree ends, so that a walk that fails skips it. Immutable.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace maru::text::grammar {

class FlatTrie {
 public:
  struct Node {
    uint32_t end = 0;          // first node behind the subtree
    uint32_t first_token = 0;  // the tokens of a subtree lie side by side
    uint16_t depth = 0;        // bytes from the root; 1: a child of the root, which itself is no node
    uint8_t byte = 0;
  };
  FlatTrie() = default;
  /// Strings must neither be empty nor longer than 65,535 bytes; several may be equal.
  explicit FlatTrie(std::vector<std::pair<std::string_view, int32_t>> strings);

  uint32_t size() const { return static_cast<uint32_t>(nodes_.empty() ? 0 : nodes_.size() - 1); }
  const Node& node(uint32_t i) const { return nodes_[i]; }
  /// Of strings that end in this node.
  std::span<const int32_t> tokens_at(uint32_t i) const {
    return tokens(nodes_[i].first_token, nodes_[i + 1].first_token);
  }
  /// Of strings that end in or below the nodes from `begin` to `end`.
  std::span<const int32_t> tokens_below(uint32_t begin, uint32_t end) const {
    return tokens(nodes_[begin].first_token, nodes_[end].first_token);
  }
  size_t bytes() const { return nodes_.size() * sizeof(Node) + tokens_.size() * sizeof(int32_t); }

 private:
  std::span<const int32_t> tokens(uint32_t begin, uint32_t end) const { return {tokens_.data() + begin, end - begin}; }
  std::vector<Node> nodes_;  // and one behind the last
  std::vector<int32_t> tokens_;
};

}  // namespace maru::text::grammar
