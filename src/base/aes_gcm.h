// Texts that only who has a key can read or change: AES-256 in Galois/Counter Mode.
//
// Source   NIST SP 800-38D
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace maru {

inline constexpr size_t kAesKeyBytes = 32, kGcmNonceBytes = 12, kGcmTagBytes = 16;

/// Nonce, ciphertext and tag, one behind the other. `bound`: what it stands beside, which is not in it, and without
/// which it cannot be opened. The nonce is random: with one key at most 2³² texts (§8.3).
std::string seal(std::string_view key, std::string_view text, std::string_view bound);
/// With a nonce that is given, for test vectors: never twice with one key.
std::string seal_with_nonce(std::string_view key, std::string_view nonce, std::string_view text,
                            std::string_view bound);
/// Nothing: it was sealed with another key, beside something else, or was changed.
std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound);

}  // namespace maru
