// JSON objects with a signature inside: `key_id`, `public_key` and `signature` beside whatever else they say. Signed is
// the canonical form (base/canonical_json.h) of the object without its `signature`.
#pragma once
#include <string>
#include <vector>

#include "base/ed25519.h"
#include "base/json_fwd.h"

namespace maru::ledger {

/// What people call a key by: the first 32 hexadecimal digits of the SHA-256 of its 32 bytes.
std::string key_id_of(const Ed25519PublicKey& key);

/// The object with its three fields more.
///
/// Throws   what canonical_json throws.
Json signed_json(Json object, const Ed25519Key& key);

enum class SignatureState : uint8_t {
  kTrusted,     // by a key that the verifier knows
  kUnknownKey,  // the signature fits the key it names, which nobody vouches for
  kBroken,      // it does not, or its fields are no signature
  kUnsigned,    // there is none
};
/// "trusted", "unknown_key", "broken", "unsigned".
std::string_view name_of(SignatureState state);

struct SignatureCheck {
  SignatureState state = SignatureState::kUnsigned;
  std::string key_id;   // where the object names one
  std::string message;  // for people: who signed, or what is wrong
};

/// Judges an object; never throws.
SignatureCheck check_signature(const Json& object, const std::vector<Ed25519PublicKey>& trusted);

}  // namespace maru::ledger
