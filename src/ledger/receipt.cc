#include "ledger/receipt.h"

#include <utility>

#include "base/canonical_json.h"
#include "base/hash.h"
#include "base/json.h"

namespace maru::ledger {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
constexpr JsonLimits kLimits{.max_values = 10'000'000, .unique_keys = true};

bool is_receipt(const Json& json) { return json.is_object() && json.contains("kind") && json["kind"] == kReceiptKind; }

}  // namespace

FoundReceipt find_receipt(Json document, const std::string& name) {
  if (is_receipt(document)) return {.json = std::move(document), .answer = nullptr};
  if (document.is_object() && document.contains("receipt") && is_receipt(document["receipt"]))
    return {.json = document["receipt"], .answer = std::move(document)};
  throw Failure(ErrorCode::kInvalidArgument, name + ": expected a receipt (\"kind\": \"" + kReceiptKind +
                                                 "\"), or an answer with one in \"receipt\"");
}

FoundReceipt read_receipt(const fs::path& path) {
  return find_receipt(parse_json(read_file(path, kMaxBytes), path.string(), kLimits).value(), path.string());
}

Receipt parse_receipt(const Json& json, std::string_view name) { return from_json<Receipt>(json, name); }

std::string sha256_of_json(const Json& json) { return sha256_hex(canonical_json(json)); }

}  // namespace maru::ledger
