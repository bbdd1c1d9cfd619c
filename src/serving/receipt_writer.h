// One answer's receipt while the answer comes: what was asked, which tokens were chosen, what the reader got.
#pragma once
#include <vector>

#include "base/hash.h"
#include "infer/generation.h"
#include "serving/receipts.h"
#include "text/chat/answer/answer_parser.h"

namespace maru::serving {

class ReceiptWriter {
 public:
  /// `prompts`: as they are submitted. The order has receipts, the model an identity.
  ReceiptWriter(ReceiptOrder order, const ServedModel& model, const std::vector<infer::GenerationRequest>& prompts,
                const text::AnswerReading& reading);
  /// That prompt `i` was given, or brought.
  void set_seed(size_t i, uint64_t seed);
  /// A piece whose text is what the reader gets of it. CHECKs that the last one of a choice has a digest.
  void add(const infer::Piece& piece, bool called);
  /// For the client. CHECKs that every choice has ended.
  Json issue() const;

 private:
  const ReceiptOrder order_;
  ledger::Receipt receipt_;
  std::vector<Sha256> texts_;  // of each choice
  TokenDigests digests_;
};

}  // namespace maru::serving
