#include "train/validate_answers.h"

#include "base/map_guard.h"

namespace maru::train {
namespace {

int64_t score_batch(StepMemory& memory, const ScoreAnswers& score, MicroBatch& batch, int64_t least) {
  const int64_t examples = batch.counted < least ? 0 : batch.counted;
  if (examples > 0) memory.run([&](Context& ctx) { score(ctx, batch); });
  check_mapped_files();
  batch.clear();
  return examples;
}

}  // namespace

int64_t validate_answers(StepMemory& memory, const ScoreAnswers& score, const AnswerSet& examples, int64_t batch_tokens,
                         int64_t most_tokens, int64_t least) {
  MicroBatch batch;
  std::vector<int32_t> scratch;
  int64_t seen = 0, scored = 0;
  for (int64_t i = 0; i < examples.size() && seen < most_tokens; ++i) {
    if (batch.builder.num_tokens() + examples.tokens(i) > batch_tokens)
      scored += score_batch(memory, score, batch, least);
    examples.append(batch, i, scratch);
    seen += examples.tokens(i);
  }
  return scored + score_batch(memory, score, batch, least);
}

}  // namespace maru::train
