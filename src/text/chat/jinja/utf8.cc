#include "text/chat/jinja/utf8.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace maru::text::jinja {
namespace {

using Map = void (*)(const char*, uint32_t, icu::StringPiece, icu::ByteSink&, icu::Edits*, UErrorCode&);

std::string map_case(Map map, std::string_view text) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.size()));
  UErrorCode error = U_ZERO_ERROR;
  map("", 0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr, error);
  return U_SUCCESS(error) ? out : std::string(text);
}

}  // namespace

Character character_at(std::string_view text, size_t at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (bytes[at] < 0x80) return {bytes[at], 1};
  size_t i = at;
  UChar32 c = -1;
  U8_NEXT(bytes, i, text.size(), c);
  return c < 0 ? Character{-1, 1} : Character{c, i - at};
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); i += character_at(text, i).length) ++count;
  return count;
}

std::vector<uint32_t> character_offsets(std::string_view text) {
  std::vector<uint32_t> offsets;
  offsets.reserve(count_characters(text) + 1);
  for (size_t i = 0; i < text.size(); i += character_at(text, i).length) offsets.push_back(static_cast<uint32_t>(i));
  offsets.push_back(static_cast<uint32_t>(text.size()));
  return offsets;
}

size_t skip_characters(std::string_view text, size_t from, size_t count) {
  for (; count > 0 && from < text.size(); --count) from += character_at(text, from).length;
  return from;
}

Character character_before(std::string_view text, size_t end) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (bytes[end - 1] < 0x80) return {bytes[end - 1], 1};
  auto i = static_cast<int32_t>(end);
  UChar32 c = -1;
  U8_PREV(bytes, 0, i, c);
  return c < 0 ? Character{-1, 1} : Character{c, end - static_cast<size_t>(i)};
}

int digit_value(int32_t c) { return is_decimal_digit(c) ? u_charDigitValue(c) : -1; }

void append_character(std::string& to, int32_t code_point) {
  if (code_point < 0 || code_point > 0x10FFFF || U_IS_SURROGATE(code_point)) code_point = 0xFFFD;
  uint8_t bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code_point);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

bool is_space(int32_t c) {
  if (c < 0) return false;
  if (u_charType(c) == U_SPACE_SEPARATOR) return true;
  const UCharDirection direction = u_charDirection(c);
  return direction == U_WHITE_SPACE_NEUTRAL || direction == U_BLOCK_SEPARATOR || direction == U_SEGMENT_SEPARATOR;
}

bool is_alphabetic(int32_t c) { return c >= 0 && (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0; }
bool is_decimal_digit(int32_t c) { return c >= 0 && u_charType(c) == U_DECIMAL_DIGIT_NUMBER; }

bool is_numeric(int32_t c) { return c >= 0 && u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_NONE; }
bool is_digit(int32_t c) {
  if (c < 0) return false;
  const int32_t type = u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_upper(int32_t c) { return c >= 0 && u_hasBinaryProperty(c, UCHAR_UPPERCASE); }
bool is_lower(int32_t c) { return c >= 0 && u_hasBinaryProperty(c, UCHAR_LOWERCASE); }
bool is_title(int32_t c) { return c >= 0 && u_charType(c) == U_TITLECASE_LETTER; }

bool is_printable(int32_t c) {
  if (c < 0) return false;
  return c == ' ' || (U_GET_GC_MASK(c) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}

bool is_identifier_start(int32_t c) { return c == '_' || (c >= 0 && u_hasBinaryProperty(c, UCHAR_XID_START)); }
bool is_identifier_part(int32_t c) { return c >= 0 && u_hasBinaryProperty(c, UCHAR_XID_CONTINUE); }

std::string to_upper(std::string_view text) { return map_case(&icu::CaseMap::utf8ToUpper, text); }
std::string to_lower(std::string_view text) { return map_case(&icu::CaseMap::utf8ToLower, text); }

// Source: the Unicode Standard, 3.13, Final_Sigma: behind a cased letter and before none.
std::string lower_at(std::string_view text, size_t at) {
  const Character c = character_at(text, at);
  if (c.code_point != 0x3A3) return to_lower(text.substr(at, c.length));
  const auto ignorable = [](int32_t p) { return p >= 0 && u_hasBinaryProperty(p, UCHAR_CASE_IGNORABLE); };
  const auto cased = [](int32_t p) { return p >= 0 && u_hasBinaryProperty(p, UCHAR_CASED); };
  size_t before = at, behind = at + c.length;
  while (before > 0 && ignorable(character_before(text, before).code_point))
    before -= character_before(text, before).length;
  while (behind < text.size() && ignorable(character_at(text, behind).code_point))
    behind += character_at(text, behind).length;
  const bool final = before > 0 && cased(character_before(text, before).code_point) &&
                     (behind == text.size() || !cased(character_at(text, behind).code_point));
  return final ? "ς" : "σ";
}

std::string to_folded(std::string_view text) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.size()));
  UErrorCode error = U_ZERO_ERROR;
  icu::CaseMap::utf8Fold(0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr, error);
  return U_SUCCESS(error) ? out : std::string(text);
}

std::string to_title(int32_t c) {
  std::string one, out;
  append_character(one, c);
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode error = U_ZERO_ERROR;
  icu::CaseMap::utf8ToTitle("", U_TITLECASE_NO_BREAK_ADJUSTMENT, nullptr,
                            {one.data(), static_cast<int32_t>(one.size())}, sink, nullptr, error);
  return U_SUCCESS(error) ? out : one;
}

}  // namespace maru::text::jinja
