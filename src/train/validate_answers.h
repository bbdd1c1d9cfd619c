// Held-out answers in micro-batches.
#pragma once
#include <functional>

#include "ops/step_memory.h"
#include "train/answer_loader.h"

namespace maru::train {

/// Adds a micro-batch to what is to be reported.
using ScoreAnswers = std::function<void(Context&, const MicroBatch&)>;

/// Scores examples in order until `most_tokens` have been read, at least one; returns their number. In micro-batches of
/// at most `batch_tokens`, which matter to losses that are not of single examples (aot, aot_unpaired, sft, kto). One
/// that is left with fewer than `least` examples is not scored.
int64_t validate_answers(StepMemory&, const ScoreAnswers&, const AnswerSet&, int64_t batch_tokens, int64_t most_tokens,
                         int64_t least = 1);

}  // namespace maru::train
