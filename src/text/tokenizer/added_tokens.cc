#include "text/tokenizer/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "text/unicode/char_sets.h"

namespace maru::text {
namespace {

// The character that ends at `end`.
char32_t character_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  const Decoded d = decode_utf8(text.data() + begin, text.data() + end);
  return begin + d.length == end ? d.code_point : kInvalidCodePoint;
}

char32_t character_at(std::string_view text, size_t at) {
  return decode_utf8(text.data() + at, text.data() + text.size()).code_point;
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  return (begin == 0 || !is_word_character(character_before(text, begin))) &&
         (end == text.size() || !is_word_character(character_at(text, end)));
}

size_t without_space_before(std::string_view text, size_t from, size_t begin) {
  while (begin > from) {
    const char32_t c = character_before(text, begin);
    if (!is_white_space(c)) break;
    begin -= c < 0x80 ? 1 : c < 0x800 ? 2 : 3;  // no white space beyond U+FFFF
  }
  return std::max(begin, from);
}

size_t without_space_behind(std::string_view text, size_t end) {
  while (end < text.size()) {
    const Decoded d = decode_utf8(text.data() + end, text.data() + text.size());
    if (!is_white_space(d.code_point)) break;
    end += d.length;
  }
  return end;
}

}  // namespace

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
  if (token.single_word || token.lstrip || token.rstrip)
    flags_[token.id] = {token.single_word, token.lstrip, token.rstrip};
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

AddedTokenMatcher::Match AddedTokenMatcher::find_cut(std::string_view text, size_t from, size_t& scan) const {
  for (Match match = find(text, scan); match.begin < text.size(); match = find(text, scan)) {
    scan = match.end;
    const auto it = flags_.find(match.id);
    if (it == flags_.end()) return {std::max(match.begin, from), std::max(match.end, from), match.id};
    if (it->second.single_word && !stands_alone(text, match.begin, match.end)) continue;
    match.begin = std::max(match.begin, from);
    if (it->second.lstrip) match.begin = without_space_before(text, from, match.begin);
    match.end = std::max(match.end, match.begin);
    if (it->second.rstrip) match.end = without_space_behind(text, match.end);
    return match;
  }
  return {std::string_view::npos, std::string_view::npos, -1};
}

}  // namespace maru::text
