// From bytes of unknown encoding to UTF-8. Pure functions, thread-safe.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::data {

struct DecodedText {
  std::string text;      // valid UTF-8 without a byte-order mark
  std::string encoding;  // "UTF-8", "windows-949", "UTF-16LE", …
};

/// The charset that the first bytes declare (`charset=…` of HTML, `encoding="…"` of XML), or "".
///
/// Source   WHATWG HTML, "prescan a byte stream to determine its encoding"; XML 1.0, appendix F.
std::string declared_charset(std::string_view bytes);

/// Decides in this order: byte-order mark; valid UTF-8; UTF-16 without a mark (by its zero bytes); the declared
/// charset; windows-949 (the superset of EUC-KR), if that gives mostly Hangul. Every conversion is strict: a byte that
/// has no meaning refutes the guess.
///
/// Throws   nothing; kDataLoss as a Result when no encoding fits.
/// Source   WHATWG Encoding (labels: euc-kr means windows-949, iso-8859-1 means windows-1252).
Result<DecodedText> decode_text(std::string bytes, std::string_view declared);

/// Whether bytes that are not UTF-16 look like no text at all: a NUL within the first 8 KiB.
bool looks_binary(std::string_view bytes);

}  // namespace maru::data
