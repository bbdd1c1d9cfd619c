// Bytes as hexadecimal digits, in lower case only: each byte string has one spelling.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace maru {

std::string to_hex(std::string_view bytes);
/// Nothing for an odd number of digits, and for whatever is no digit; capital letters are none.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace maru
