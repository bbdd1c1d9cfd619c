// The stages that a job can be: one table of names, what a config of each names and makes, and the function that does
// it. A job's config is JSON, of the keys that the stage's verb takes.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

/// An artefact that a config names.
struct StageInput {
  std::string name, sha256;  // of its manifest
};

/// What a stage will do with a config, as far as it can be said before.
struct StagePlan {
  std::vector<StageInput> inputs;    // those that are artefacts
  std::vector<std::string> outputs;  // it will make: "models/NAME"; "results/NAME" lies with the job, a path elsewhere
  std::vector<std::string> others;   // it may leave beside them
  std::string run;                   // of training, whose metrics are the job's; empty: none
  int64_t memory_bytes = 0;          // it may need, about
  bool replaces = false;             // outputs that are there already may be replaced
};

/// Where a config's names and paths count from.
struct StagePlace {
  const catalogue::Home& home;
  fs::path directory;  // of relative paths
};

struct Stage {
  std::string_view name, doc;
  bool heavy;  // computes for long on all that it gets
  /// Throws   kInvalidArgument naming the field; kNotFound for an input that is not there.
  StagePlan (*plan)(const StagePlace&, const Json& config);
  /// `results`: where what has no place in the home goes.
  void (*run)(const Workplace&, const Json& config, const fs::path& results);
  /// Goes on where another process has left it; others begin anew.
  bool resumes;
  std::string (*fields)();  // the keys of a config, for people
};

std::span<const Stage> stages();
/// Throws   kInvalidArgument, naming the nearest.
const Stage& stage_named(const std::string& name);

/// The plan of a job that is to be made.
///
/// Throws   as Stage::plan; kExists for an output that is there already and may not be replaced.
StagePlan plan_stage(const Stage& stage, const StagePlace& place, const Json& config);
/// Where an output of a job lies.
fs::path place_of_output(const catalogue::Home& home, const std::string& label, const fs::path& job);

}  // namespace maru::pipeline
