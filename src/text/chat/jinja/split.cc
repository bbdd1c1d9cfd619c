#include <algorithm>

#include "text/chat/jinja/search.h"
#include "text/chat/jinja/string_methods.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

/// All words.
Pieces words_of(Runtime& runtime, std::string_view text) {
  runtime.step_characters(text.size());
  Pieces words(runtime);
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    const bool space = is_space(c.code_point);
    if (!space && !inside) words.add(i, i);
    inside = !space;
    i += c.length;
    if (inside) words.list().back().second = i;
  }
  return words;
}

/// Makes one piece of all but `most` of them, at the far end.
void join_beyond(std::vector<std::pair<size_t, size_t>>& pieces, size_t most, bool from_right) {
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
Pieces split_words(Runtime& runtime, const MarkedText& text, size_t most, bool from_right) {
  Pieces words = words_of(runtime, text.bytes);
  if (most < words.list().size()) {
    if (from_right)
      words.list()[0].first = 0;
    else
      words.list().back().second = text.size();
  }
  join_beyond(words.list(), most, from_right);
  return words;
}

Pieces split_text(Runtime& runtime, const MarkedText& text, std::string_view separator, size_t most, bool from_right) {
  Search search(runtime, text.bytes, separator, from_right ? Search::From::kEnd : Search::From::kBegin);
  Pieces pieces(runtime);
  size_t begin = 0, end = text.size();  // of what is still to be split
  for (size_t at = 0; most > 0 && (at = search.next()) != Search::kNone; --most) {
    const size_t behind = at + separator.size();
    from_right ? pieces.add(behind, end) : pieces.add(begin, at);
    (from_right ? end : begin) = from_right ? at : behind;
  }
  pieces.add(begin, end);
  if (from_right) std::reverse(pieces.list().begin(), pieces.list().end());
  return pieces;
}

}  // namespace maru::text::jinja
