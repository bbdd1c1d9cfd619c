// Checkpoints of a run: weights, optimiser, data position, step. Whole or absent, never half.
//
//   checkpoints/step-00000100/  manifest.json config.json model.safetensors optimizer.safetensors state.json
//                               method.safetensors (where the method has a state of its own)
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "ledger/manifest.h"
#include "models/model.h"
#include "optim/optimizer.h"
#include "train/loader.h"

namespace maru::train {

/// The best validation so far.
struct BestValidation {
  int64_t step = 0, since = 0;  // since: validations behind it
  double value = 0;             // of the measure
  static constexpr auto fields() {
    using C = BestValidation;
    return std::tuple{field("step", &C::step, "when it was").range(0, 9e15),
                      field("since", &C::since, "validations behind it").range(0, 9e15),
                      field("value", &C::value, "of the measure by which a model is called better")};
  }
};

/// Everything of a run that is not a tensor.
struct RunState {
  int64_t step = 0, steps = 0, tokens = 0;  // steps: of the whole run, fixed when it started
  LoaderState loader;
  std::optional<BestValidation> best;  // where the best is kept
  static constexpr auto fields() {
    using C = RunState;
    return std::tuple{field("step", &C::step, "optimiser steps done").range(0, 9e15),
                      field("steps", &C::steps, "of the whole run").range(0, 9e15),
                      field("tokens", &C::tokens, "tokens seen").range(0, 9e15),
                      field("loader", &C::loader, "where the next token comes from"),
                      field("best", &C::best, "validation so far").unless_empty()};
  }
};

/// Takes what was lost and why, a sentence each time; the run goes on.
using Warn = std::function<void(const std::string& message)>;

/// Throws   kDataLoss when a file is not what its manifest says, or `names` are not all there.
void check_checkpoint(const fs::path& checkpoint, std::span<const char* const> names);

/// Checkpoints of a run directory, oldest first, whole or damaged.
std::vector<fs::path> list_checkpoints(const fs::path& run);

/// `method`: tensors of the method's own. Throws kExhausted on a full disk; the older checkpoints are then untouched.
void save_checkpoint(const fs::path& run, const RunState& state, Model& model, const Optimizer& optimizer,
                     ledger::Manifest manifest, int64_t keep, const std::vector<NamedTensor>& method = {});

/// Restores model, optimiser and the method's tensors. Throws kDataLoss or kNotFound naming the file that is truncated,
/// corrupt, missing or of another shape.
RunState load_checkpoint(const fs::path& checkpoint, Model& model, Optimizer& optimizer,
                         const std::vector<NamedTensor>& method = {});

/// Restores the newest checkpoint that is whole; nothing when there is none at all. Newer ones that are damaged are
/// renamed to damaged-step-…, so that none of them is taken for a good one again, and `warn` gets what is wrong with
/// them and which steps are lost.
///
/// Throws   kDataLoss when all are damaged, leaving them as they are; what reading throws for other reasons than
/// damage.
std::optional<RunState> restore_newest(const fs::path& run, Model& model, Optimizer& optimizer, const Warn& warn,
                                       const std::vector<NamedTensor>& method = {});

}  // namespace maru::train
