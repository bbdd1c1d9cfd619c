// Loss on held-out documents.
#pragma once
#include <functional>
#include <optional>

#include "base/json_fwd.h"
#include "formats/token_dataset.h"
#include "models/decoder.h"
#include "ops/step_memory.h"

namespace maru::train {

struct ValidationResult {
  double nats = 0;     // summed over counted tokens
  int64_t tokens = 0;  // counted
  uint64_t bytes = 0;  // of the text they stand for
  /// False: there was nothing to predict, and the figures below say nothing.
  bool has_text() const { return tokens > 0 && bytes > 0; }
  double loss() const;  // nats per token
  std::optional<double> bits_per_byte() const;
  std::optional<double> perplexity() const;
};

/// A figure that may be unknown, as JSON: null then.
Json number_or_null(const std::optional<double>& number);

/// Documents in order until `most_tokens` have been counted (always whole documents, at least one). Documents longer
/// than `sequence_length` are read in windows that overlap by `overlap` tokens, which are context only. `progress` is
/// called with the tokens counted so far.
ValidationResult validate(StepMemory&, Decoder&, const formats::TokenDataset& held_out, int64_t sequence_length,
                          int64_t batch_tokens, int64_t most_tokens, int64_t overlap = 0,
                          const std::function<void(int64_t tokens)>& progress = {});

}  // namespace maru::train
