// The answers of the stages that `maru up` gives too: one object for machines and one line for people, of the same
// numbers. Each stands with its verb.
#pragma once
#include "cli/session.h"
#include "pipeline/curate.h"
#include "pipeline/evaluate.h"
#include "pipeline/tokenize.h"
#include "pipeline/train.h"

namespace maru::cli {

void answer(const Session&, const std::string& name, const data::BuildResult&);
void answer(const Session&, const pipeline::PackedTokens&);
void answer(const Session&, const pipeline::TokenizeResult&);
void answer(const Session&, const train::RunSummary&);
void answer(const Session&, const pipeline::Evaluation&);

/// Writes the report of a run that has ended, with answers of the model before and after to `compared` held-out
/// prompts, and says where it is. What is wrong with it is a warning: the run's work is done without one.
void answer_report(const pipeline::Workplace&, const Session&, const train::TrainConfig& recipe, int64_t compared);

}  // namespace maru::cli
