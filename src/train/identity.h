// What makes a run that run: its recipe and the content of its inputs. A run directory keeps both, so that nobody can
// go on with other data or settings and end with a model whose manifest says something untrue.
#pragma once
#include <optional>
#include <string>

#include "ledger/manifest.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace maru::train {

/// The manifest of an artefact of this run, files left out. Paths in its recipe are stored as those of its inputs.
/// Throws   kNotFound when an input is missing; kInvalidArgument when the tokens were made by another tokenizer.
ledger::Manifest run_manifest(const TrainConfig& config, const ledger::Place& place, std::string kind);

/// What an existing run directory has that differs ("optimizer.lr", "input tokens"); nothing: the same run, or none
/// yet. Where its recipe.json or inputs.json is damaged or missing, its newest checkpoint says the same, and `warn`
/// gets that it was asked.
std::optional<std::string> difference_from(
    const fs::path& run, const TrainConfig& config, const fs::path& home, const Warn& warn = [](const std::string&) {});

/// Writes recipe.json and inputs.json of a run, or checks them.
///
/// Throws   kInvalidArgument naming the difference; kExists when the place is taken by something that is no run.
void claim_run(const fs::path& run, const TrainConfig& config, const fs::path& home, const Warn& warn);

}  // namespace maru::train
