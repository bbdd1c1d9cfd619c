// From bytes of unknown encoding to UTF-8. Pure functions, thread-safe.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::data {

struct DecodedText {
  std::string text;      // valid UTF-8 without a byte-order mark
  std::string encoding;  // "utf-8", "euc-kr", "utf-16le", … as charset_of_label names them
  int64_t replaced = 0;  // byte sequences without a meaning, each now U+FFFD
};

/// The share of a text's characters that bytes without a meaning may have become; with more the text is given up.
inline constexpr double kMaxReplaced = 0.005;

/// Decides in this order: byte-order mark; UTF-16 without a mark, if there are zero bytes or many control characters;
/// valid UTF-8, or ISO-2022 if it has that standard's escapes; UTF-8 with few bad bytes; other UTF-16; the declared
/// encoding, unless the bytes plainly are in another; the encoding whose reading looks most like a text.
///
/// Types    `declared`: a label, or "".
/// Throws   nothing; kDataLoss as a Result when no encoding fits, or more than `max_replaced` of the characters are
/// lost. Source   WHATWG Encoding.
Result<DecodedText> decode_text(std::string bytes, std::string_view declared, double max_replaced = kMaxReplaced);

/// Whether bytes look like no text at all: the signature of a document format, or, unless they are UTF-16 or UTF-32,
/// zero bytes (more than one in a thousand of the first 8 KiB).
bool looks_binary(std::string_view bytes);

}  // namespace maru::data
