#include "train/validate_pairs.h"

#include "base/map_guard.h"
#include "train/pair_loader.h"

namespace maru::train {
namespace {

void score(StepMemory& memory, Preference& preference, MicroBatch& batch) {
  if (batch.targets.empty()) return;
  memory.run([&](Context& ctx) { preference.score(ctx, batch); });
  check_mapped_files();
  batch.clear();
}

}  // namespace

PreferenceFigures validate_pairs(StepMemory& memory, Preference& preference, const formats::TokenDataset& held_out,
                                 int64_t sequence_length, int64_t batch_tokens, int64_t most_tokens) {
  const PairSet pairs(held_out, sequence_length);
  MicroBatch batch;
  std::vector<int32_t> scratch;
  preference.take_figures();
  int64_t seen = 0;
  for (int64_t i = 0; i < pairs.size() && seen < most_tokens; ++i) {
    if (batch.builder.num_tokens() + pairs.tokens(i) > batch_tokens) score(memory, preference, batch);
    pairs.append(batch, i, scratch);
    seen += pairs.tokens(i);
  }
  score(memory, preference, batch);
  return preference.take_figures();
}

}  // namespace maru::train
