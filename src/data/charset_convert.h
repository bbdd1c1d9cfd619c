// Bytes of a named encoding to UTF-8. Pure functions, thread-safe.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maru::data {

struct ConvertedText {
  std::string text;      // valid UTF-8
  int64_t replaced = 0;  // byte sequences without a meaning, each now U+FFFD
};

/// Decodes whole bytes. `charset` is a name that charset_of_label gives, or "utf-32le", "utf-32be" or "iso-2022-kr".
/// None for "replacement" and for more than 512 MiB.
///
/// Source   WHATWG Encoding: gbk is read as gb18030, euc-kr as windows-949, shift_jis as windows-31j.
std::optional<ConvertedText> convert_from(std::string_view charset, std::string_view bytes);

/// The same in UTF-16, for looking at a sample.
std::optional<std::u16string> convert_to_utf16(std::string_view charset, std::string_view bytes, int64_t& replaced);

}  // namespace maru::data
