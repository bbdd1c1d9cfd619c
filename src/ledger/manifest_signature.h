// Who vouches for an artefact: a signature of its manifest, and so of all that the manifest names by hash. It lies
// beside the manifest, which itself depends on neither time nor key.
#pragma once
#include <string_view>
#include <vector>

#include "base/file.h"
#include "ledger/signed_json.h"
#include "ledger/timestamp.h"

namespace maru::ledger {

/// Beside the manifest. Of no artefact's files: it comes later, and may change.
inline constexpr std::string_view kSignatureName = "manifest.sig";

/// Takes the artefact's directory or its manifest. An earlier signature is replaced.
///
/// Returns  where the signature lies.
/// Throws   what read_manifest throws: a manifest that was changed is not signed.
fs::path sign_manifest(const fs::path& artefact, const Ed25519Key& key, const Timestamp& time);

/// Whether the manifest is, byte for byte, one that a trusted key signed. Reads no other file of the artefact: verify()
/// does. Throws   kNotFound when there is no manifest.
SignatureCheck check_manifest_signature(const fs::path& artefact, const std::vector<Ed25519PublicKey>& trusted);

}  // namespace maru::ledger
