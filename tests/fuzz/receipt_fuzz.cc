// Receipts and the answers they come in, as `maru verify` and `maru replay` read them: judged as they are, then signed
// here, where one changed letter must be found, and compared with themselves.
#include "api/replay.h"
#include "base/canonical_json.h"
#include "base/json.h"
#include "ledger/receipt.h"

namespace maru::ledger {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

const Ed25519Key& key() {
  static const Ed25519Key kKey = Ed25519Key::generate();
  return kKey;
}

void sign_and_judge(Json json) {
  try {
    const Json made = signed_json(std::move(json), key());
    require(check_signature(made, {key().public_key()}).state == SignatureState::kTrusted);
    require(check_signature(made, {}).state == SignatureState::kUnknownKey);
    Json changed = made;
    changed["id"] = changed.contains("id") && changed["id"] == "another" ? "one more" : "another";
    require(check_signature(changed, {key().public_key()}).state == SignatureState::kBroken);
  } catch (const Failure&) {  // numbers or texts that have no canonical form
  }
}

void compare(const Receipt& receipt) {
  require(api::differences(receipt, receipt).empty());
  const Json written = to_json(receipt);
  require(to_json(parse_receipt(written, "again")) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Json> document = parse_json({reinterpret_cast<const char*>(data), size}, "receipt");
  if (!document.ok()) return 0;
  (void)api::texts_of(document.value());
  (void)check_signature(document.value(), {key().public_key()});
  if (document.value().is_object()) sign_and_judge(document.value());
  try {
    const FoundReceipt found = find_receipt(document.value(), "receipt");
    const Receipt receipt = parse_receipt(found.json, "receipt");
    compare(receipt);
  } catch (const Failure& failure) {
    require(failure.code() == ErrorCode::kInvalidArgument);
  }
  return 0;
}

}  // namespace maru::ledger
