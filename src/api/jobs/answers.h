// What is said of jobs.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "platform/job_store.h"

namespace maru::api::jobs {

struct JobProgress {
  std::string title, unit, note;
  int64_t done = 0, total = 0;
  static constexpr auto fields() {
    using P = JobProgress;
    return std::tuple{field("title", &P::title, "of what is counted"), field("done", &P::done, "so far"),
                      field("total", &P::total, "in all; 0: not known"),
                      field("unit", &P::unit, "of both, in the plural"), field("note", &P::note, "such as the loss")};
  }
};

struct JobEntry {
  std::string id, name, workspace, project, description, stage, state, reason;
  int64_t percent = 0;
  std::optional<JobProgress> progress;
  std::vector<std::string> results;
  std::string created_at, created_by, updated_at;
  std::optional<std::string> started_at, ended_at;
  static constexpr auto fields() {
    using J = JobEntry;
    return std::tuple{
        field("id", &J::id, "of the job"),
        field("name", &J::name, "unlike any other of the workspace"),
        field("workspace", &J::workspace, "whose it is"),
        field("project", &J::project, "in it; empty: none"),
        field("description", &J::description, "for people"),
        field("stage", &J::stage, "what is done"),
        field("state", &J::state, "what it is")
            .one_of("created|pending|active|paused|pausing|resuming|cancelling|cancelled|error|completed"),
        field("reason", &J::reason, "why it waits, was stopped or failed; empty: nothing to say"),
        field("percent", &J::percent, "of what is counted now; 100 when it is completed, and not before"),
        field("progress", &J::progress, "what is counted; null: nothing yet"),
        field("results", &J::results, "what it has made: models/NAME, or results/NAME of the job"),
        field("created_at", &J::created_at, "UTC"),
        field("created_by", &J::created_by, "the name of the key"),
        field("updated_at", &J::updated_at, "when its state or reason changed"),
        field("started_at", &J::started_at, "for the first time; null: not yet"),
        field("ended_at", &J::ended_at, "null: not yet")};
  }
};

struct JobAttempt {
  int64_t number = 0;
  std::string began_at;
  std::optional<std::string> ended_at, outcome;
  std::string reason;
  static constexpr auto fields() {
    using A = JobAttempt;
    return std::tuple{
        field("number", &A::number, "the first is 1"), field("began_at", &A::began_at, "UTC"),
        field("ended_at", &A::ended_at, "null: not yet"),
        field("outcome", &A::outcome, "how it ended; null: not yet").one_of("completed|cancelled|error|lost"),
        field("reason", &A::reason, "of that")};
  }
};

struct JobChange {
  std::string at, state, reason;
  static constexpr auto fields() {
    using C = JobChange;
    return std::tuple{field("at", &C::at, "UTC"), field("state", &C::state, "that it had from then on"),
                      field("reason", &C::reason, "of that")};
  }
};

struct JobDetails {
  JobEntry job;
  Json config = Json::object();
  std::vector<JobAttempt> attempts;
  std::vector<JobChange> history;
  static constexpr auto fields() {
    using D = JobDetails;
    return std::tuple{field("job", &D::job, "as lists have it"), field("config", &D::config, "as it was asked for"),
                      field("attempts", &D::attempts, "workers that it had"),
                      field("history", &D::history, "what it was, from the first on")};
  }
};

struct JobList {
  std::vector<JobEntry> data;
  int64_t total = 0;
  static constexpr auto fields() {
    return std::tuple{field("data", &JobList::data, "the newest first"),
                      field("total", &JobList::total, "of all pages")};
  }
};

struct JobLog {
  std::string text;
  uint64_t offset = 0, size = 0;
  static constexpr auto fields() {
    return std::tuple{field("text", &JobLog::text, "whole characters"),
                      field("offset", &JobLog::offset, "behind it, in bytes: what the next question gives"),
                      field("size", &JobLog::size, "of the log by now, in bytes")};
  }
};

JobEntry entry_of(const platform::JobStore& store, const platform::Job& job);
JobDetails details_of(platform::JobStore& store, const platform::Job& job);

}  // namespace maru::api::jobs
