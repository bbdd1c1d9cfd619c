#include "text/unicode/char_class.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "base/error.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

CharClass letter_class(UChar32 c) {
  if (c == 0x30FC || c == 0xFF70) return CharClass::kProlonged;
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(c, &status)) {
    case USCRIPT_HANGUL: return CharClass::kHangul;
    case USCRIPT_HAN: return CharClass::kHan;
    case USCRIPT_HIRAGANA: return CharClass::kHiragana;
    case USCRIPT_KATAKANA: return CharClass::kKatakana;
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR: return CharClass::kSpaceless;
    default: return CharClass::kLetter;
  }
}

CharClass class_of(UChar32 c, UCharCategory category) {
  if (c == ' ') return CharClass::kSpace;
  if (c == '\r' || c == '\n') return CharClass::kNewline;
  if (c == 0x3007) return CharClass::kIdeographicZero;
  if (c == 0x200C || c == 0x200D) return CharClass::kJoiner;
  const uint32_t mask = U_MASK(category);
  if ((mask & U_GC_L_MASK) != 0) return letter_class(c);
  if ((mask & U_GC_M_MASK) != 0) return CharClass::kMark;
  if ((mask & U_GC_N_MASK) != 0) return CharClass::kNumber;
  return u_isUWhiteSpace(c) ? CharClass::kBlank : CharClass::kOther;
}

UBool fill(const void* context, UChar32 start, UChar32 limit, UCharCategory category) {
  auto& values = *static_cast<std::vector<uint8_t>*>(const_cast<void*>(context));
  for (UChar32 c = start; c < limit; ++c) values[c] = static_cast<uint8_t>(class_of(c, category));
  return true;
}

CodePointTable build() {
  std::vector<uint8_t> values(kCodePoints);
  u_enumCharTypes(fill, &values);
  return CodePointTable(values);
}

}  // namespace

CharClasses::CharClasses() : table_(build()) {
  for (char32_t c = 0; c < 128; ++c) ascii_[c] = of(c);
}

}  // namespace maru::text
