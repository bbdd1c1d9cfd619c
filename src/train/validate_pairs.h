// Loss and accuracy on held-out pairs of answers.
#pragma once
#include "formats/token_dataset.h"
#include "ops/step_memory.h"
#include "train/objectives/preference.h"

namespace maru::train {

/// Pairs in order until `most_tokens` have been read, at least one; `pairs` 0: there were none. In micro-batches of at
/// most `batch_tokens`, which matter to the losses that are not of single pairs (aot, aot_unpaired, sft) alone.
PreferenceFigures validate_pairs(StepMemory&, Preference&, const formats::TokenDataset& held_out,
                                 int64_t sequence_length, int64_t batch_tokens, int64_t most_tokens);

}  // namespace maru::train
