#include "ledger/manifest_signature.h"

#include <string>
#include <tuple>

#include "base/hash.h"
#include "base/json.h"
#include "ledger/manifest.h"

namespace maru::ledger {
namespace {

constexpr uint64_t kMaxSignatureBytes = 1 << 16;
constexpr const char* kKind = "maru.manifest";

struct ManifestSignature {
  std::string kind = kKind;
  int format = 1;
  std::string artefact_kind, artefact_name, manifest_sha256, time, key_id, public_key, signature;
  static constexpr auto fields() {
    using C = ManifestSignature;
    return std::tuple{field("kind", &C::kind, "what is signed").one_of(kKind),
                      field("format", &C::format, "version of this format").range(1, 1),
                      field("artefact_kind", &C::artefact_kind, "the artefact's, by its manifest"),
                      field("artefact_name", &C::artefact_name, "the artefact's, by its manifest"),
                      field("manifest_sha256", &C::manifest_sha256, "of manifest.json"),
                      field("time", &C::time, "of signing"),
                      field("key_id", &C::key_id, "").unless_empty(),
                      field("public_key", &C::public_key, "").unless_empty(),
                      field("signature", &C::signature, "").unless_empty()};
  }
};

fs::path manifest_of(const fs::path& artefact) {
  return artefact.filename() == kManifestName ? artefact : artefact / kManifestName;
}

/// The signature is right; is it this manifest's?
SignatureCheck for_this(SignatureCheck check, const Json& json, const fs::path& file, const std::string& sha256) {
  const auto said = from_json<ManifestSignature>(json, file.string());
  if (said.manifest_sha256 != sha256)
    return {.state = SignatureState::kBroken,
            .key_id = check.key_id,
            .message = "the signature is broken: key " + check.key_id + " signed another manifest, SHA-256 " +
                       said.manifest_sha256};
  check.message += " at " + said.time;
  return check;
}

}  // namespace

fs::path sign_manifest(const fs::path& artefact, const Ed25519Key& key, const Timestamp& time) {
  const fs::path file = manifest_of(artefact);
  const Manifest manifest = read_manifest(file);
  ManifestSignature said;
  said.artefact_kind = manifest.kind;
  said.artefact_name = manifest.name;
  said.manifest_sha256 = sha256_hex(render_manifest(manifest));  // which the file is, to the byte
  said.time = time.text();
  const fs::path to = file.parent_path() / kSignatureName;
  write_json(to, signed_json(to_json(said), key));
  return to;
}

SignatureCheck check_manifest_signature(const fs::path& artefact, const std::vector<Ed25519PublicKey>& trusted) {
  const fs::path manifest = manifest_of(artefact), file = manifest.parent_path() / kSignatureName;
  const std::string sha256 = sha256_file(manifest);
  if (!fs::exists(fs::symlink_status(file)))
    return {.state = SignatureState::kUnsigned, .key_id = {}, .message = "unsigned"};
  try {
    const Json json = parse_json(read_file(file, kMaxSignatureBytes), file.string(), {.unique_keys = true}).value();
    const SignatureCheck check = check_signature(json, trusted);
    if (check.state != SignatureState::kBroken && check.state != SignatureState::kUnsigned)
      return for_this(check, json, file, sha256);
    return {.state = SignatureState::kBroken, .key_id = {}, .message = file.string() + ": " + check.message};
  } catch (const Failure& e) {
    return {
        .state = SignatureState::kBroken, .key_id = {}, .message = std::string("the signature is broken: ") + e.what()};
  }
}

}  // namespace maru::ledger
