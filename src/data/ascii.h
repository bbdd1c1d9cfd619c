// Characters as HTML sees them: letters and blanks of ASCII, whatever stands around them.
//
// Source   WHATWG Infra, §4.6 "Code points" (ASCII alpha, ASCII whitespace) and §4.7 "Strings".
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace maru::data {

inline constexpr std::string_view kBlanks = "\t\n\f\r ";

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

inline std::string lowered(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), lower);
  return low;
}

/// Without the blanks at both ends.
inline std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace maru::data
