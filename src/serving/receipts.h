// Whether and how the answers of a process get receipts. A server signs them; a replay makes the same ones to compare.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "infer/generation.h"
#include "ledger/receipt.h"
#include "ledger/timestamp.h"

namespace maru::serving {

class ServedModel;
class ModelHost;

using TokenDigests = std::vector<std::shared_ptr<const infer::TokenDigest>>;  // of each choice

/// Called by several threads at once.
struct Receipts {
  bool always = false;  // also where none was asked for
  std::function<ledger::Timestamp()> now = ledger::Timestamp::now;
  /// Of a receipt without signature, what the client gets.
  std::function<Json(const ledger::Receipt&, const TokenDigests&)> issue;
  /// Sees the prompts before anything is generated, and may set their seeds.
  std::function<void(std::vector<infer::GenerationRequest>&)> amend = {};
};

/// Receipts that are signed.
Receipts signed_receipts(const Ed25519Key& key, bool always);

/// What one answer's receipt says that the answer itself does not know.
struct ReceiptOrder {
  const Receipts* receipts = nullptr;     // null: none is wanted
  std::optional<ledger::Timestamp> time;  // of the request, and what its chat template is told
  std::string id, route;
  std::vector<std::string> echo;  // what stands before the answer in the text for the reader, of each prompt
};

/// `asked`: by the request.
///
/// Throws   RequestFailure naming "receipt" when one is asked for that cannot be given.
ReceiptOrder order_receipt(const ModelHost& models, const ServedModel& model, bool asked);

}  // namespace maru::serving
