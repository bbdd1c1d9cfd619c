#include "text/chat/chat_learned.h"

#include <algorithm>

namespace maru::text {
namespace {

using jinja::MarkedText;

/// The end of `text` without the white space that the template itself wrote there.
size_t end_of_turn(const MarkedText& text) {
  size_t end = text.size();
  while (end > 0 && std::string_view(" \n\r\t").find(text.bytes[end - 1]) != std::string_view::npos &&
         !text.input.touches(end - 1, end))
    --end;
  return end;
}

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

size_t common_suffix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
}

}  // namespace

std::optional<std::pair<size_t, size_t>> learned_range(const MarkedText* asked, const MarkedText& told,
                                                       const MarkedText& whole) {
  const auto& told_marks = told.generated.list();
  const auto& whole_marks = whole.generated.list();
  const std::string_view told_text = told.bytes, whole_text = whole.bytes;
  const size_t prompt = asked != nullptr ? common_prefix(asked->bytes, told_text) : told_text.size();
  if (told_marks.empty() || whole_marks.empty()) {  // the message is empty: only markup can be learned
    const size_t end = std::max(end_of_turn(told), prompt);
    const bool placed = asked != nullptr && prompt == asked->size() && whole_text.starts_with(told_text.substr(0, end));
    return placed ? std::optional(std::pair(prompt, end)) : std::nullopt;
  }
  const size_t first = told_marks.front().first, last = told_marks.back().second;
  const size_t start = std::min(prompt, first);
  const std::string_view opening = told_text.substr(start, first - start);
  const std::string_view closing = told_text.substr(last, std::max(end_of_turn(told), last) - last);
  size_t begin = whole_marks.front().first, end = whole_marks.back().second;
  begin -= common_suffix(whole_text.substr(0, begin), opening);  // where it is last, it may be opened differently
  end += common_prefix(whole_text.substr(end), closing);
  return std::pair(begin, end);
}

}  // namespace maru::text
