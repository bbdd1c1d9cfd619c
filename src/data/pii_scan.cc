#include "data/pii_scan.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "base/utf8.h"


namespace maru::data {
namespace {

char fold_wide(char32_t c) {
  if ((c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x4E00 && c <= 0x9FFF)) return kForeignLetter;  // Hangul, Han: most of all
  if (c >= 0xFF01 && c <= 0xFF5E) return static_cast<char>(c - 0xFEE0);                     // full-width forms
  switch (c) {
    case 0x00AD:  // soft hyphen: invisible but at the end of a line
    case 0x200B:
    case 0x200C:
    case 0x200D:
    case 0x2060:
    case 0xFEFF: return kNoWidth;
    case 0x02D7:
    case 0x2043:
    case 0x207B:
    case 0x208B:
    case 0x2212:
    case 0x2500:
    case 0x2501:
    case 0x30FC:
    case 0x3161:  // the Hangul vowel that keyboards have beside the hyphen
    case 0xFE58:
    case 0xFE63:
    case 0xFF70: return '-';
    case 0x00B7:
    case 0x2024:
    case 0x2027:
    case 0x30FB:
    case 0x3002:
    case 0xFE52:
    case 0xFF61: return '.';
    case 0x2044:
    case 0x2215: return '/';
    case 0xFE6B: return '@';
    default: break;
  }
  if (c >= 0x2010 && c <= 0x2015) return '-';
  const auto point = static_cast<UChar32>(c);
  if (u_charType(point) == U_SPACE_SEPARATOR) return ' ';
  const bool letter = u_isalpha(point) || (U_GET_GC_MASK(point) & U_GC_M_MASK) != 0;
  return letter ? kForeignLetter : kOtherCharacter;
}

bool is_number_character(char c) {
  return is_digit(c) || std::string_view(" -./()+_").find(c) != std::string_view::npos;
}

// The letters that end at `at`, with full stops and low lines between them left out: "H.P" and "tel_" are labels.
// Nothing if they belong to a longer word.
std::string label_before(std::string_view text, size_t at) {
  constexpr int kMost = 12;
  std::string label;
  for (int i = 0; i < kMost; ++i) {
    if (at == 0) return label;
    const Folded before = fold_before(text, at);
    if (is_digit(before.c)) return "";
    if (!is_alpha(before.c) && before.c != '.' && before.c != '_') return label;
    if (is_alpha(before.c)) label.insert(label.begin(), lower(before.c));
    at -= before.bytes;
  }
  return "";
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Start start_after_letter(std::string_view text, size_t at) {
  const std::string label = label_before(text, at);
  if (is_one_of(label, {"id", "ip", "hp", "cp", "ph", "tel", "phone", "mobile", "mob", "cell", "fax", "call", "sms",
                        "rrn", "ssn", "no", "jumin", "card"}))
    return Start::kAny;
  return is_one_of(label, {"t", "h", "m", "p", "c", "f", "o", "w"}) ? Start::kSeparated : Start::kNo;
}

// "내선1-": an extension of up to four digits in front of the number.
bool follows_extension(std::string_view text, size_t at) {
  int digits = 0;
  for (; at > 0 && is_digit(fold_before(text, at).c); at -= fold_before(text, at).bytes)
    if (++digits > 4) return false;
  while (at > 0 && std::string_view(" :.").find(fold_before(text, at).c) != std::string_view::npos)
    at -= fold_before(text, at).bytes;
  const std::string_view before = text.substr(0, at);
  return before.ends_with("내선") || before.ends_with("구내") || before.ends_with("ext") || before.ends_with("Ext");
}

}  // namespace

Folded fold_at(std::string_view text, size_t at) {
  const char first = text[at];
  if (static_cast<uint8_t>(first) < 0x80) {
    const bool control = static_cast<uint8_t>(first) < ' ' && first != '\n' && first != '\t';
    return {control ? kOtherCharacter : first, 1};
  }
  const Decoded one = decode_utf8(text.data() + at, text.data() + text.size());
  if (one.code_point == kInvalidCodePoint) return {kOtherCharacter, static_cast<uint8_t>(one.length)};
  return {fold_wide(one.code_point), static_cast<uint8_t>(one.length)};
}

Folded fold_before(std::string_view text, size_t at) {
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (text[begin] & 0xC0) == 0x80) --begin;
  const Folded one = fold_at(text.substr(0, at), begin);
  return one.bytes == at - begin ? one : Folded{kOtherCharacter, 1};
}

NumberText::NumberText(std::string_view text, size_t at, Start start) : text_(text), at_(at), start_(start) {
  size_t offset = 0;
  offsets_[0] = 0;
  while (size_ < kMost && at + offset < text.size() && offset < 4 * kMost) {
    const Folded one = fold_at(text, at + offset);
    offset += one.bytes;
    if (one.c == kNoWidth) continue;
    digits_ += is_digit(one.c);
    characters_[size_++] = one.c;
    offsets_[size_] = static_cast<uint16_t>(offset);
    if (!is_number_character(one.c)) break;
  }
}

bool NumberText::follows(std::initializer_list<std::string_view> words) const {
  constexpr size_t kBytes = 40;
  const size_t begin = at_ > kBytes ? at_ - kBytes : 0;
  std::string before(text_.substr(begin, at_ - begin));
  std::transform(before.begin(), before.end(), before.begin(), lower);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return before.find(word) != std::string::npos; });
}

Start start_of_number(std::string_view text, size_t at, size_t redacted) {
  if (at == 0) return Start::kAny;
  const Folded before = fold_before(text, at);
  if (is_digit(before.c)) return Start::kNo;
  if (is_alpha(before.c) || before.c == '_') return start_after_letter(text, at);
  const size_t edge = at - before.bytes;
  const bool joint = std::string_view("-./+=").find(before.c) != std::string_view::npos;
  if (!joint || edge == 0 || !is_digit(fold_before(text, edge).c)) return Start::kAny;
  if (before.c == '/') return edge == redacted ? Start::kAny : Start::kSeparated;
  return before.c == '-' && follows_extension(text, edge) ? Start::kAny : Start::kNo;
}

}  // namespace maru::data
