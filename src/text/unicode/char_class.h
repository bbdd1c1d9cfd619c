// What the split patterns ask of a character, as one small number per code point, built from ICU's properties.
// The classes are disjoint and every pattern's sets are unions of them. Immutable: share one between threads.
#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "base/utf8.h"
#include "text/unicode/code_point_table.h"

namespace maru::text {

enum class CharClass : uint8_t {
  kOther,            // punctuation, symbols, controls, unassigned, and bytes that are not UTF-8
  kSpace,            // U+0020
  kNewline,          // \r and \n
  kBlank,            // all other White_Space
  kNumber,           // \p{N} but 〇
  kIdeographicZero,  // 〇: a number to Unicode, a character of words to its readers
  kMark,             // \p{M}
  kJoiner,           // U+200C and U+200D, which stand inside words of Persian and Indian languages
  kProlonged,        // ー and ｰ: letters of both kana
  kHangul,           // \p{L} from here on, by script
  kHan,
  kHiragana,
  kKatakana,
  kSpaceless,  // Thai, Lao, Khmer, Myanmar: no spaces between words
  kLetter,     // every other letter
};

/// Sets of classes as bit masks.
constexpr uint32_t bit(CharClass c) { return 1u << static_cast<uint32_t>(c); }
template <class... C>
constexpr uint32_t set_of(C... c) {
  return (bit(c) | ...);
}
constexpr bool in(CharClass c, uint32_t set) { return (set >> static_cast<uint32_t>(c) & 1) != 0; }

constexpr uint32_t kLetters = set_of(CharClass::kProlonged, CharClass::kHangul, CharClass::kHan, CharClass::kHiragana,
                                     CharClass::kKatakana, CharClass::kSpaceless, CharClass::kLetter);
constexpr uint32_t kNumbers = set_of(CharClass::kNumber, CharClass::kIdeographicZero);
constexpr uint32_t kWhitespace = set_of(CharClass::kSpace, CharClass::kNewline, CharClass::kBlank);

class CharClasses {
 public:
  struct Char {
    CharClass kind;
    uint32_t length;  // bytes
  };

  CharClasses();
  CharClass of(char32_t code_point) const { return static_cast<CharClass>(table_[code_point]); }
  /// The character at p < end.
  Char at(const char* p, const char* end) const {
    const uint8_t b = static_cast<uint8_t>(*p);
    return b < 0x80 ? Char{ascii_[b], 1} : at_wide(p, end);
  }

 private:
  // Three bytes first: nearly all text that is not ASCII.
  Char at_wide(const char* p, const char* end) const {
    if ((*p & 0xF0) == 0xE0 && end - p >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
      const char32_t c = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
      if (c >= 0x800 && (c & 0xF800) != 0xD800) return {of(c), 3};
    }
    const Decoded d = decode_utf8(p, end);
    return {d.code_point == kInvalidCodePoint ? CharClass::kOther : of(d.code_point), d.length};
  }
  CodePointTable table_;
  std::array<CharClass, 128> ascii_;
};

}  // namespace maru::text
