// The keys that a home signs with, and those it trusts:
//
//   DIRECTORY/key.pem          the private key in use (PKCS #8, PEM); its owner's alone, and never printed
//   DIRECTORY/public/ID.pem    public keys whose signatures are trusted: its own, the earlier ones too, and others'
//
// A key that is replaced is gone; its public one stays, so that what it signed can be checked. Whoever is to be trusted
// no longer has the file removed.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ed25519.h"
#include "base/file.h"

namespace maru::ledger {

/// Of a home.
inline constexpr std::string_view kSigningFolder = "signing";

class SigningKeys {
 public:
  explicit SigningKeys(fs::path directory) : directory_(std::move(directory)) {}
  fs::path private_file() const { return directory_ / "key.pem"; }
  fs::path public_file(const Ed25519PublicKey& key) const;

  /// Nothing: none has been made.
  ///
  /// Throws   what read_private_file throws; kInvalidArgument when it holds no such key.
  std::optional<Ed25519Key> current() const;
  /// The key in use; made when there is none, by one process alone.
  Ed25519Key current_or_new() const;
  /// Makes a key that is used from now on.
  Ed25519Key rotate() const;
  /// In the order of their ids; none where there is no directory.
  ///
  /// Throws   kInvalidArgument, naming the file, for one that holds no public key of Ed25519.
  std::vector<Ed25519PublicKey> trusted() const;
  /// Adds the public key in `file` to those that are trusted.
  Ed25519PublicKey trust(const fs::path& file) const;

 private:
  Ed25519Key make() const;
  void keep(const Ed25519PublicKey& key) const;
  fs::path directory_;
};

/// Of a file in PEM. Throws kNotFound and kInvalidArgument, naming it.
Ed25519PublicKey read_public_key(const fs::path& file);

}  // namespace maru::ledger
