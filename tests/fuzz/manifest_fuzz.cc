// Manifests from hostile hands. The input is a manifest without its seal, which is put on, so that what lies behind it
// is reached; a manifest that is accepted is byte for byte what would be written for its content.
#include "base/hash.h"
#include "base/json.h"
#include "ledger/manifest.h"

namespace maru::ledger {
namespace {

// As render_manifest seals: the hash of the compact text without the field.
std::string sealed(std::string text) {
  Result<Json> json = parse_json(text, "unsealed");
  if (!json.ok() || !json->is_object()) return text;
  json->erase("seal");
  (*json)["seal"] = sha256_hex(json->dump());
  return json->dump(2) + "\n";
}

void read(const std::string& text) {
  const Result<Manifest> manifest = parse_manifest(text, "manifest.json");
  if (manifest.ok() && render_manifest(manifest.value()) != text) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read(text);
  read(sealed(text));
  return 0;
}

}  // namespace maru::ledger
