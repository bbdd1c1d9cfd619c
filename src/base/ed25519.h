// Ed25519 signatures (RFC 8032, §5.1): 32-byte keys, 64-byte signatures, the same signature for the same message.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru {

/// What signatures are checked with. Immutable.
class Ed25519PublicKey {
 public:
  static constexpr size_t kBytes = 32, kSignatureBytes = 64;
  /// CHECKs that there are 32.
  explicit Ed25519PublicKey(std::string bytes);
  /// PEM (RFC 7468) of a SubjectPublicKeyInfo (RFC 8410), as `openssl pkey -pubout` writes it. Fails on anything else;
  /// `name` is for the message.
  static Result<Ed25519PublicKey> from_pem(std::string_view pem, std::string_view name);

  const std::string& bytes() const { return bytes_; }
  std::string pem() const;
  /// False for a signature of another message or key, and for what is none. The second half of one must be below the
  /// order of the group, so that nobody makes a second one out of it.
  bool verifies(std::string_view message, std::string_view signature) const;
  bool operator==(const Ed25519PublicKey&) const = default;

 private:
  std::string bytes_;
};

/// What signs. Immutable, and never printed.
class Ed25519Key {
 public:
  /// Of random bytes of the system.
  static Ed25519Key generate();
  /// Of the 32 bytes that RFC 8032 calls the private key. CHECKs that there are 32.
  static Ed25519Key from_seed(std::string_view seed);
  /// PEM of a PKCS #8 key without a passphrase. The message names `name` and nothing of the text.
  static Result<Ed25519Key> from_pem(std::string_view pem, std::string_view name);

  std::string pem() const;
  const Ed25519PublicKey& public_key() const { return public_; }
  /// 64 bytes. Thread-safe.
  std::string sign(std::string_view message) const;

 private:
  struct State;
  explicit Ed25519Key(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
  Ed25519PublicKey public_;
};

}  // namespace maru
