// A job as the database keeps it, its attempts, and what it was told.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/job_state.h"
#include "platform/process_identity.h"

namespace maru::platform {

/// What a job wants of the machine while it runs.
struct JobDemand {
  int64_t cores = 0;            // 0: all that jobs may have
  int64_t memory_bytes = 0;     // what it is thought to need
  bool memory_limited = false;  // somebody said so: it may have that much and no more
  bool heavy = false;           // few of them run at once
};

/// An artefact that a job begins with, as it was then.
struct JobInput {
  std::string name, sha256;  // of its manifest
  static constexpr auto fields() {
    return std::tuple{field("name", &JobInput::name, "as the config has it"),
                      field("sha256", &JobInput::sha256, "of its manifest, which lists all of it")};
  }
};

/// Who asks for what.
struct NewJob {
  std::string workspace, project, by;
  std::string name;  // empty: its id
  std::string description, stage;
  std::string directory;         // from which relative paths in the config count
  Json config = Json::object();  // of the stage
  std::vector<JobInput> inputs;
  std::vector<std::string> outputs;  // what it will make: "models/talks"
  std::string run;                   // of training, whose metrics are the job's; empty: none
  JobDemand demand;
};

struct Job {
  int64_t number = 0;
  std::string id, workspace, project, name, description, stage;
  std::string spec;  // the contents of its job.json
  JobDemand demand;
  JobState state = JobState::kCreated;
  std::string reason;   // why it waits, was stopped or failed; empty: nothing to say
  std::string results;  // a list in JSON: what it has made
  std::string created_at, created_by, updated_at, started_at, ended_at;  // the last two: empty until then
};

struct Attempt {
  int64_t number = 0;                     // the first is 1
  std::optional<ProcessIdentity> worker;  // nothing: not known (yet)
  std::string began_at, ended_at;         // empty until then
  std::string outcome;                    // "completed", "cancelled", "error", "lost"; empty until then
  std::string reason;
};

struct JobEvent {
  std::string at, state, reason;
};

}  // namespace maru::platform
