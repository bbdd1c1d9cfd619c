// Which encoding bytes are in that are not UTF-8 and that nothing declares: each encoding in question is tried on a
// sample, and the one wins whose reading looks most like a text. Pure functions, thread-safe.
#pragma once
#include <cstdint>
#include <string_view>

namespace maru::data {

struct CharsetGuess {
  std::string_view charset;  // a name of charset_of_label, or "" when nothing fits
  double score = 0;          // share of the characters beyond ASCII that a text in this encoding usually has: 0 to 1
  int64_t characters = 0;    // how many of them there were
};

/// Reads the first 32 KiB. Cost: 32 conversions of them.
///
/// Han, kana and Hangul are judged by the characters that are most frequent (common_characters.h), alphabets by their
/// lower-case letters inside words of their own, Latin letters with marks by the language they belong to and the ASCII
/// letters around them.
CharsetGuess guess_charset(std::string_view bytes);

/// How well one encoding fits, by the same measure; a score of -1 for an encoding that cannot be judged.
CharsetGuess judge_charset(std::string_view bytes, std::string_view charset);

/// "utf-16le" or "utf-16be" if bytes without a mark look like it: nearly all units are characters that texts consist
/// of, in the one order of bytes and not in the other. Else "".
std::string_view guess_utf16(std::string_view bytes);

}  // namespace maru::data
