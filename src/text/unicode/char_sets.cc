#include "text/unicode/char_sets.h"

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace maru::text {
namespace {

UChar32 icu(char32_t c) { return c < kCodePoints ? static_cast<UChar32>(c) : -1; }
bool in_categories(char32_t c, uint32_t mask) { return c < kCodePoints && (U_GET_GC_MASK(icu(c)) & mask) != 0; }

// In a category, and a character already in the given version of Unicode.
bool in_old_categories(char32_t c, uint32_t mask, uint8_t version) {
  if (!in_categories(c, mask)) return false;
  UVersionInfo age;
  u_charAge(icu(c), age);
  return age[0] <= version;
}

}  // namespace

bool is_white_space(char32_t c) { return c < kCodePoints && u_isUWhiteSpace(icu(c)); }
bool is_numeric(char32_t c) { return in_categories(c, U_GC_N_MASK); }

bool is_word_character(char32_t c) {
  if (in_categories(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) return true;
  return c < kCodePoints && (u_isUAlphabetic(icu(c)) || c == 0x200C || c == 0x200D);
}

bool is_punctuation(char32_t c) {
  const bool ascii =
      (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  const bool no_longer = c == 0x166D || c == 0x111C9;
  return ascii || no_longer || in_old_categories(c, U_GC_P_MASK, 8);
}

bool is_mark(char32_t c) {
  const bool no_longer = c == 0x1CF2 || c == 0x1CF3;
  return no_longer || (c != 0x111C9 && in_old_categories(c, U_GC_M_MASK, 9));
}

bool is_nonspacing_mark(char32_t c) {
  const bool not_yet = c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9;
  return c == 0x1734 || (!not_yet && in_old_categories(c, U_GC_MN_MASK, 8));
}

bool is_bert_control(char32_t c) {
  return c != '\t' && c != '\n' && c != '\r' && in_old_categories(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK, 8);
}

bool is_bert_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void append_lower(std::string& to, char32_t c) {
  if (c == 0x130) {
    to += "i\xCC\x87";
    return;
  }
  append_utf8(to, static_cast<char32_t>(u_tolower(icu(c))));
}

}  // namespace maru::text
