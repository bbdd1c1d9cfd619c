#include "text/grammar/flat_trie.h"

#include <algorithm>

namespace maru::text::grammar {

FlatTrie::FlatTrie(std::vector<std::pair<std::string_view, int32_t>> strings) {
  std::sort(strings.begin(), strings.end());
  std::vector<uint32_t> open;  // nodes on the way to the last string
  std::string_view last;
  for (const auto& [string, token] : strings) {
    const size_t shared = static_cast<size_t>(
        std::mismatch(string.begin(), string.end(), last.begin(), last.end()).first - string.begin());
    for (; open.size() > shared; open.pop_back()) nodes_[open.back()].end = static_cast<uint32_t>(nodes_.size());
    for (size_t i = shared; i < string.size(); ++i) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.first_token = static_cast<uint32_t>(tokens_.size()),
                        .depth = static_cast<uint16_t>(i + 1),
                        .byte = static_cast<uint8_t>(string[i])});
    }
    tokens_.push_back(token);
    last = string;
  }
  for (const uint32_t node : open) nodes_[node].end = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.end = static_cast<uint32_t>(nodes_.size()), .first_token = static_cast<uint32_t>(tokens_.size())});
}

}  // namespace maru::text::grammar
