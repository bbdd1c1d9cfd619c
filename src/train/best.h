// The weights of a run's best validation, for when the last ones are not the best.
//
//   best/  manifest.json config.json model.safetensors validation.json
#pragma once
#include "ledger/manifest.h"
#include "models/model.h"
#include "train/checkpoint.h"
#include "train/method.h"

namespace maru::train {

/// True when `figures` are the best so far: the weights of `step` are to be kept. No gain is none: the earlier stays.
bool take_validation(const Measure& measure, int64_t step, const Figures& figures, std::optional<BestValidation>& best);

/// Throws kExhausted on a full disk; the earlier best is then untouched.
void save_best(const fs::path& run, Model& model, const Figures& figures, ledger::Manifest manifest);

/// Restores the model, and returns the figures of its validation. Throws   kDataLoss or kNotFound naming what is
/// damaged or missing.
Figures load_best(const fs::path& run, Model& model);

}  // namespace maru::train
