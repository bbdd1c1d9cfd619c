// samples.jsonl of a run: what its model said in validations, for people to read.
#pragma once
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace maru::train {

/// Rows that are kept; older ones give way.
inline constexpr size_t kMostSamples = 1000;

/// Appends samples of a step as rows {"step": …, …}. Rows of this step or later ones are of a run that was interrupted,
/// and go, as do lines that cannot be read. Nothing happens without samples.
void add_samples(const fs::path& file, int64_t step, std::vector<Json> samples);

}  // namespace maru::train
