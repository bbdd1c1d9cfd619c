// Base64 with padding, as tokenizer files, vectors and handshakes carry bytes.
//
// Source   RFC 4648 §4
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace maru {

std::string to_base64(std::string_view bytes);
/// Empty if the text is not base64; line ends are not skipped, padding may be missing.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace maru
