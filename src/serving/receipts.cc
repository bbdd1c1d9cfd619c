#include "serving/receipts.h"

#include "base/json.h"
#include "base/request_failure.h"
#include "serving/model_host.h"

namespace maru::serving {

Receipts signed_receipts(const Ed25519Key& key, bool always) {
  Receipts receipts;
  receipts.always = always;
  receipts.issue = [key](const ledger::Receipt& receipt, const TokenDigests&) {
    return ledger::signed_json(to_json(receipt), key);
  };
  return receipts;
}

ReceiptOrder order_receipt(const ModelHost& models, const ServedModel& model, bool asked) {
  const Receipts* receipts = models.options().receipts;
  const bool able = receipts != nullptr && model.identity().has_value();
  if (asked && !able)
    refuse("receipt: this server gives no receipts; its operator may start it with receipts=asked", "receipt",
           "unsupported_parameter");
  if (!able || (!asked && !receipts->always)) return {};
  return {.receipts = receipts, .time = receipts->now(), .id = {}, .route = {}, .echo = {}};
}

}  // namespace maru::serving
