// What only who knows a secret can say of a text.
//
// Source   RFC 2104, with SHA-256
#pragma once
#include <string>
#include <string_view>

namespace maru {

/// Lower-case hex, 64 characters.
std::string hmac_sha256_hex(std::string_view secret, std::string_view text);
/// Takes the same time wherever they differ.
bool same_secret(std::string_view a, std::string_view b);
/// `bytes` random ones, as the system gives them for keys.
std::string random_secret(size_t bytes);

}  // namespace maru
