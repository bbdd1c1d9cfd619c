// UTF-8: from bytes to code points and back. Everything here takes arbitrary bytes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru {

constexpr char32_t kInvalidCodePoint = 0xFFFFFFFF;
constexpr char32_t kCodePoints = 0x110000;

struct Decoded {
  char32_t code_point;  // kInvalidCodePoint where the bytes are not UTF-8
  uint32_t length;      // bytes; for invalid input the maximal ill-formed part, at least 1
};

/// Decodes the character at `p` (p < end) strictly: no surrogates, no overlong forms, nothing above U+10FFFF.
///
/// Source   Unicode 15, table 3-7 and §3.9 "U+FFFD substitution of maximal subparts".
Decoded decode_utf8(const char* p, const char* end);
/// Appends a scalar value (surrogates and values above U+10FFFF become U+FFFD).
void append_utf8(std::string& to, char32_t code_point);
bool is_valid_utf8(std::string_view bytes);
/// Number of code points; each ill-formed part counts as one.
size_t count_code_points(std::string_view bytes);
/// Bytes at the end that begin a character but do not finish it (0 to 3).
size_t incomplete_suffix(std::string_view bytes);
/// Every ill-formed part becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);

}  // namespace maru
