// What string methods and string filters share. Marks follow the text exactly but for case mappings of mixed text.
#include <algorithm>

#include "text/jinja/methods.h"
#include "text/jinja/operations.h"
#include "text/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

/// Whether the character at `at` is among `set`, or white space if that is null.
bool strips(const std::string& text, size_t at, const Character& c, const Value* set) {
  if (set == nullptr) return is_space(c.code_point);
  const std::string_view one = std::string_view(text).substr(at, c.length);
  for (size_t i = set->bytes().find(one); i != std::string::npos; i = set->bytes().find(one, i + 1))
    if (c.code_point >= 0 || one.size() == 1) return true;
  return false;
}

bool is_line_end(int32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

MarkedText strip(Runtime& runtime, const MarkedText& text, const Value* characters, StripSide side) {
  if (characters != nullptr && characters->is_none()) characters = nullptr;
  if (characters != nullptr) require_text(runtime, *characters, "strip()");
  const size_t work = characters == nullptr ? 1 : 1 + characters->bytes().size() / 16;
  size_t begin = 0, end = text.size(), last = 0;
  bool leading = side != StripSide::kRight;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    const bool stripped = strips(text.bytes, i, c, characters);
    i += c.length;
    if (leading && stripped) begin = i;
    if (!stripped) leading = false, last = i;
  }
  runtime.step(static_cast<int64_t>(work * (text.size() / 64 + 1)));
  if (side != StripSide::kLeft) end = std::max(begin, last);
  return text.slice(begin, end);
}

MarkedText replace(Runtime& runtime, const MarkedText& text, const MarkedText& old, const MarkedText& replacement,
                   int64_t count) {
  TextBuilder out(runtime);
  size_t done = 0, from = 0;
  const auto next = [&] {
    if (!old.bytes.empty()) return text.bytes.find(old.bytes, from);
    return from > text.size() ? std::string::npos : from;
  };
  for (size_t at = next(); at != std::string::npos && count != 0; at = next()) {
    out.add_slice(text, done, at).add(replacement);
    done = at + old.size();
    from = !old.bytes.empty() ? done : at < text.size() ? at + character_at(text.bytes, at).length : at + 1;
    if (count > 0) --count;
  }
  return out.add_slice(text, done, text.size()).take();
}

Pieces split_lines(const MarkedText& text, bool keep_ends) {
  Pieces lines;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    size_t end = i + c.length;
    if (is_line_end(c.code_point)) {
      if (c.code_point == '\r' && end < text.size() && text.bytes[end] == '\n') ++end;
      lines.emplace_back(begin, keep_ends ? end : i);
      begin = end;
    }
    i = end;
  }
  if (begin < text.size()) lines.emplace_back(begin, text.size());
  return lines;
}

MarkedText map_case(const MarkedText& text, std::string (*map)(std::string_view)) {
  MarkedText mapped = MarkedText::own(map(text.bytes));
  mapped.safe = text.safe;
  if (mapped.size() == text.size() &&
      std::none_of(text.bytes.begin(), text.bytes.end(), [](char c) { return c & 0x80; })) {
    mapped.input = text.input;
    mapped.generated = text.generated;
  } else {
    mapped.mark_mixed(text);
  }
  return mapped;
}

MarkedText capitalize(const MarkedText& text) {
  if (text.bytes.empty()) return text;
  const Character first = character_at(text.bytes, 0);
  MarkedText out;
  out.append_made(to_title(first.code_point), text, 0, first.length);
  out.append(map_case(text.slice(first.length, text.size()), to_lower));
  out.safe = text.safe;
  return out;
}

bool is_cased(const MarkedText& text, bool upper) {
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
