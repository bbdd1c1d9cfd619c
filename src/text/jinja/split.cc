#include <algorithm>

#include "text/jinja/string_methods.h"
#include "text/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

/// All words.
Pieces words_of(std::string_view text) {
  Pieces words;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    const bool space = is_space(c.code_point);
    if (!space && !inside) words.emplace_back(i, i);
    inside = !space;
    i += c.length;
    if (inside) words.back().second = i;
  }
  return words;
}

/// Makes one piece of all but `most` of them, at the far end.
void join_beyond(Pieces& pieces, size_t most, bool from_right) {
  if (pieces.size() <= 1 || most >= pieces.size() - 1) return;
  const size_t extra = pieces.size() - 1 - most;
  if (from_right) {
    pieces[extra].first = pieces[0].first;
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(extra));
  } else {
    pieces[most].second = pieces.back().second;
    pieces.resize(most + 1);
  }
}

}  // namespace

// The rest behind the last split keeps the white space at its own far end.
Pieces split_words(const MarkedText& text, size_t most, bool from_right) {
  Pieces words = words_of(text.bytes);
  if (most < words.size()) {
    if (from_right)
      words[0].first = 0;
    else
      words.back().second = text.size();
  }
  join_beyond(words, most, from_right);
  return words;
}

Pieces split_text(const MarkedText& text, std::string_view separator, size_t most, bool from_right) {
  Pieces pieces;
  if (from_right) {
    size_t end = text.size();
    while (pieces.size() < most) {
      const size_t at =
          end < separator.size() ? std::string::npos : text.bytes.rfind(separator, end - separator.size());
      if (at == std::string::npos) break;
      pieces.emplace_back(at + separator.size(), end);
      end = at;
    }
    pieces.emplace_back(0, end);
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
  }
  size_t begin = 0;
  for (size_t at = text.bytes.find(separator); at != std::string::npos && pieces.size() < most;
       at = text.bytes.find(separator, begin)) {
    pieces.emplace_back(begin, at);
    begin = at + separator.size();
  }
  pieces.emplace_back(begin, text.size());
  return pieces;
}

}  // namespace maru::text::jinja
