#include "base/path_text.h"

#include <charconv>

namespace maru {
namespace {

// Bytes of the well-formed UTF-8 character at `p`, or 0 (Unicode 15, table 3-7).
size_t utf8_length(const unsigned char* p, size_t left) {
  const unsigned char lead = p[0];
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : (lead & 0xF0) == 0xE0       ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || length > left) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((p[i] & 0xC0) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xF0 && p[1] < 0x90);
  const bool beyond = (lead == 0xED && p[1] >= 0xA0) || (lead == 0xF4 && p[1] >= 0x90);
  return overlong || beyond ? 0 : length;
}

}  // namespace

std::string path_text(const fs::path& path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string& name = path.native();
  std::string text;
  for (size_t i = 0; i < name.size();) {
    const auto* at = reinterpret_cast<const unsigned char*>(name.data()) + i;
    const size_t length = utf8_length(at, name.size() - i);
    if (length == 0 || *at < 0x20 || *at == 0x7F) {
      ((text += "\\x") += kDigits[*at >> 4]) += kDigits[*at & 15];
      ++i;
      continue;
    }
    if (*at == '\\') text += '\\';
    text.append(name, i, length);
    i += length;
  }
  return text;
}

fs::path path_of_text(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    unsigned byte = 0;
    if (rest.starts_with("\\\\")) {
      name += '\\';
      ++i;
    } else if (rest.starts_with("\\x") && rest.size() >= 4 &&
               std::from_chars(rest.data() + 2, rest.data() + 4, byte, 16).ptr == rest.data() + 4) {
      name += static_cast<char>(byte);
      i += 3;
    } else {
      name += text[i];
    }
  }
  return name;
}

}  // namespace maru
