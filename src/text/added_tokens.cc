#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>

namespace maru::text {

AddedTokenMatcher::AddedTokenMatcher(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens)
    if (!token.content.empty()) add(token);
  if (std::count(first_.begin(), first_.end(), true) == 1)
    only_first_ = static_cast<int>(std::find(first_.begin(), first_.end(), true) - first_.begin());
}

void AddedTokenMatcher::add(const AddedToken& token) {
  uint32_t node = 0;
  for (const char byte : token.content) {
    uint32_t next = child_of(node, byte);
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({-1, 0, nodes_[node].child, byte});
      nodes_[node].child = next;
    }
    node = next;
  }
  nodes_[node].id = token.id;
  first_[static_cast<uint8_t>(token.content[0])] = true;
}

uint32_t AddedTokenMatcher::child_of(uint32_t node, char byte) const {
  uint32_t child = nodes_[node].child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].sibling;
  return child;
}

AddedTokenMatcher::Match AddedTokenMatcher::find(std::string_view text, size_t from) const {
  const auto candidate = [&](size_t at) {
    if (only_first_ >= 0) return text.find(static_cast<char>(only_first_), at);
    while (at < text.size() && !first_[static_cast<uint8_t>(text[at])]) ++at;
    return at < text.size() ? at : std::string_view::npos;
  };
  for (size_t at = candidate(from); at < text.size(); at = candidate(at + 1)) {
    Match best{at, at, -1};
    uint32_t node = 0;
    for (size_t i = at; i < text.size() && (node = child_of(node, text[i])) != 0; ++i)
      if (nodes_[node].id >= 0) best = {at, i + 1, nodes_[node].id};
    if (best.id >= 0) return best;
  }
  return {std::string_view::npos, std::string_view::npos, -1};
}

}  // namespace maru::text
