// What string methods and string filters share. Marks follow the text exactly but for case mappings of mixed text.
#include <algorithm>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/search.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

/// What strip() takes away: white space, or the characters of a text.
class StripSet {
 public:
  explicit StripSet(const Value* characters) : is_space_(characters == nullptr) {
    if (is_space_) return;
    const std::string& text = characters->bytes();
    for (size_t i = 0; i < text.size();) {
      const Character c = character_at(text, i);
      if (c.code_point >= 0) members_.push_back(c.code_point);
      i += c.length;
    }
    std::sort(members_.begin(), members_.end());
    members_.erase(std::unique(members_.begin(), members_.end()), members_.end());
  }
  bool holds(int32_t c) const {
    return is_space_ ? is_space(c) : std::binary_search(members_.begin(), members_.end(), c);
  }

 private:
  const bool is_space_;
  std::vector<int32_t> members_;
};

bool is_line_end(int32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

MarkedText strip(Runtime& runtime, const MarkedText& text, const Value* characters, StripSide side) {
  if (characters != nullptr && characters->is_none()) characters = nullptr;
  if (characters != nullptr) require_text(runtime, *characters, "strip()");
  if (characters != nullptr) runtime.step(static_cast<int64_t>(characters->bytes().size()));  // they are sorted
  const StripSet set(characters);
  size_t begin = 0, end = text.size();
  while (side != StripSide::kRight && begin < end) {
    const Character c = character_at(text.bytes, begin);
    if (!set.holds(c.code_point)) break;
    begin += c.length;
    runtime.step();
  }
  while (side != StripSide::kLeft && end > begin) {
    const Character c = character_before(text.bytes, end);
    if (!set.holds(c.code_point)) break;
    end -= c.length;
    runtime.step();
  }
  runtime.step_bytes(end - begin);
  return text.slice(begin, end);
}

MarkedText replace(Runtime& runtime, const MarkedText& text, const MarkedText& old, const MarkedText& replacement,
                   int64_t count) {
  TextBuilder out(runtime);
  size_t done = 0;
  if (old.bytes.empty()) {  // before each character, and at the end
    for (; count != 0 && done < text.size(); --count) {
      const size_t end = done + character_at(text.bytes, done).length;
      out.add(replacement).add_slice(text, done, end);
      done = end;
    }
    if (count != 0) out.add(replacement);
    return out.add_slice(text, done, text.size()).take();
  }
  Search search(runtime, text.bytes, old.bytes);
  for (size_t at = 0; count != 0 && (at = search.next()) != Search::kNone; --count) {
    out.add_slice(text, done, at).add(replacement);
    done = at + old.size();
  }
  return out.add_slice(text, done, text.size()).take();
}

Pieces split_lines(Runtime& runtime, const MarkedText& text, bool keep_ends) {
  runtime.step_characters(text.size());
  Pieces lines(runtime);
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    size_t end = i + c.length;
    if (is_line_end(c.code_point)) {
      if (c.code_point == '\r' && end < text.size() && text.bytes[end] == '\n') ++end;
      lines.add(begin, keep_ends ? end : i);
      begin = end;
    }
    i = end;
  }
  if (begin < text.size()) lines.add(begin, text.size());
  return lines;
}

/// `mapped`, which was made from all of `source`: exactly marked where both are ASCII.
static MarkedText marked_as(std::string mapped, const MarkedText& source) {
  MarkedText text = MarkedText::own(std::move(mapped));
  text.safe = source.safe;
  if (text.size() == source.size() &&
      std::none_of(source.bytes.begin(), source.bytes.end(), [](char c) { return c & 0x80; })) {
    text.input = source.input;
    text.generated = source.generated;
  } else {
    text.mark_mixed(source);
  }
  return text;
}

MarkedText map_case(Runtime& runtime, const MarkedText& text, std::string (*map)(std::string_view)) {
  runtime.step_characters(text.size());
  return marked_as(map(text.bytes), text);
}

// The rest is lowered as what it is: the rest of a text, where Σ may be the end of a word.
MarkedText capitalize(Runtime& runtime, const MarkedText& text) {
  if (text.bytes.empty()) return text;
  runtime.step_characters(2 * text.size());
  const Character first = character_at(text.bytes, 0);
  const std::string lowered = to_lower(text.bytes);
  const size_t begin = to_lower(std::string_view(text.bytes).substr(0, first.length)).size();
  MarkedText out;
  out.append_made(to_title(first.code_point), text, 0, first.length);
  out.append(marked_as(lowered.substr(begin), text.slice(first.length, text.size())));
  out.safe = text.safe;
  return out;
}

bool is_cased(Runtime& runtime, const MarkedText& text, bool upper) {
  runtime.step_characters(2 * text.size());
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    if (is_title(c.code_point) || (upper ? is_lower(c.code_point) : is_upper(c.code_point))) return false;
    any |= upper ? is_upper(c.code_point) : is_lower(c.code_point);
    i += c.length;
  }
  return any;
}

}  // namespace maru::text::jinja
