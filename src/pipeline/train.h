// The stage from packed tokens to a model: pre-training, continued training, fine-tuning.
#pragma once
#include "pipeline/workplace.h"
#include "train/run.h"

namespace maru::pipeline {

/// A recipe of training. Throws   kInvalidArgument, `where` in front.
train::TrainConfig read_train_recipe(const Json& recipe, const std::string& where);

/// Trains runs/NAME into models/NAME; `tokens`, `tokenizer` and `init_from` are names or paths. `set_aside`: a run of
/// this name with another recipe or other inputs is renamed, in place of refusing.
///
/// Throws   as train::train, and kInvalidArgument without a tokenizer.
train::RunSummary train(const Workplace&, train::TrainConfig, bool set_aside = false);

}  // namespace maru::pipeline
