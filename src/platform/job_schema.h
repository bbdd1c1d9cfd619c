// The tables of jobs, as one migration of platform.db.
#pragma once
#include <string_view>

namespace maru::platform {

// What a job is to do (spec) never changes. Outputs are the names that a job has laid claim to until it ends, so that
// no two make the same thing. Attempts are workers: which process, and how it ended. Events are what a job was told.
inline constexpr std::string_view kJobTables = R"(
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  workspace TEXT NOT NULL,
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  stage TEXT NOT NULL,
  spec TEXT NOT NULL,
  cores INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  memory_limited INTEGER NOT NULL,
  heavy INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  results TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  UNIQUE (workspace, name)
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_workspace ON jobs (workspace, number);
CREATE TABLE job_outputs (
  label TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX job_outputs_by_job ON job_outputs (job);
CREATE TABLE attempts (
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  number INTEGER NOT NULL,
  pid INTEGER,
  start_ticks INTEGER,
  boot_id TEXT,
  began_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT,
  reason TEXT,
  exit_record TEXT,
  core_seconds REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_events (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  at TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX job_events_by_job ON job_events (job, number);
)";

}  // namespace maru::platform
