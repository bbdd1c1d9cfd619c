#include "ledger/signed_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/canonical_json.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"

namespace maru::ledger {
namespace {

constexpr std::string_view kKeyId = "key_id", kPublicKey = "public_key", kSignature = "signature";
constexpr size_t kIdDigits = 32;

/// Bytes in hexadecimal, or nothing when there are not so many.
std::optional<std::string> bytes_at(const Json& object, std::string_view field, size_t size) {
  const auto it = object.find(field);
  if (it == object.end() || !it->is_string()) return std::nullopt;
  std::optional<std::string> bytes = from_hex(it->get_ref<const std::string&>());
  return bytes && bytes->size() == size ? bytes : std::nullopt;
}

SignatureCheck broken(std::string why) {
  return {.state = SignatureState::kBroken, .key_id = {}, .message = "the signature is broken: " + std::move(why)};
}

/// What was signed, if there is a canonical form of it.
std::optional<std::string> signed_text(Json object) {
  object.erase(std::string(kSignature));
  try {
    return canonical_json(object);
  } catch (const Failure&) {
    return std::nullopt;
  }
}

}  // namespace

std::string key_id_of(const Ed25519PublicKey& key) { return sha256_hex(key.bytes()).substr(0, kIdDigits); }

Json signed_json(Json object, const Ed25519Key& key) {
  object[std::string(kKeyId)] = key_id_of(key.public_key());
  object[std::string(kPublicKey)] = to_hex(key.public_key().bytes());
  object.erase(std::string(kSignature));
  object[std::string(kSignature)] = to_hex(key.sign(canonical_json(object)));
  return object;
}

std::string_view name_of(SignatureState state) {
  constexpr std::array<std::string_view, 4> kNames{"trusted", "unknown_key", "broken", "unsigned"};
  return kNames[static_cast<size_t>(state)];
}

SignatureCheck check_signature(const Json& object, const std::vector<Ed25519PublicKey>& trusted) {
  if (!object.is_object()) return broken("it stands in no object");
  if (!object.contains(kKeyId) && !object.contains(kPublicKey) && !object.contains(kSignature))
    return {.state = SignatureState::kUnsigned, .key_id = {}, .message = "unsigned"};
  const auto key_bytes = bytes_at(object, kPublicKey, Ed25519PublicKey::kBytes);
  if (!key_bytes) return broken("public_key: expected 64 hexadecimal digits in lower case");
  const auto signature = bytes_at(object, kSignature, Ed25519PublicKey::kSignatureBytes);
  if (!signature) return broken("signature: expected 128 hexadecimal digits in lower case");
  const Ed25519PublicKey key(*key_bytes);
  const std::string id = key_id_of(key);
  if (!object.contains(kKeyId) || object[std::string(kKeyId)] != id)
    return broken("key_id: expected " + id + ", by its public_key");
  const auto text = signed_text(object);
  if (!text || !key.verifies(*text, *signature)) return broken("what was signed by key " + id + " was something else");
  if (std::find(trusted.begin(), trusted.end(), key) == trusted.end())
    return {.state = SignatureState::kUnknownKey, .key_id = id, .message = "signed by the unknown key " + id};
  return {.state = SignatureState::kTrusted, .key_id = id, .message = "signed by the trusted key " + id};
}

}  // namespace maru::ledger
