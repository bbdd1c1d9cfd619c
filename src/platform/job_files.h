// The directory of a job: what its worker and whoever watches it tell each other. The worker alone writes there, once
// there is one; others read.
//
//   job.json      what is to be done; never changes
//   worker.json   which process does it, in which attempt
//   status.json   how far it is, written anew every few seconds
//   log.txt       what it said, and what the system said of it; only grows
//   exit.json     how the last attempt ended
//   results/      what has no place of its own in the home
//
// Each of the JSON files is written under another name and renamed. .worker.lock beside them is held as long as a
// worker, or a process that is about to become one, lives.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "platform/job_record.h"

namespace maru::platform {

inline constexpr int64_t kJobFormat = 1;
inline constexpr const char *kJobFile = "job.json", *kWorkerFile = "worker.json", *kStatusFile = "status.json",
                            *kLogFile = "log.txt", *kExitFile = "exit.json", *kResultsFolder = "results";

struct JobFile {
  int64_t format = kJobFormat;
  std::string id, workspace, project, name, stage, directory, run, created_by;
  Json config = Json::object();
  std::vector<JobInput> inputs;
  std::vector<std::string> outputs;
  static constexpr auto fields() {
    using J = JobFile;
    return std::tuple{field("format", &J::format, "version of this format"),
                      field("id", &J::id, "of the job"),
                      field("workspace", &J::workspace, "whose it is"),
                      field("project", &J::project, "in it; empty: none"),
                      field("name", &J::name, "of the job"),
                      field("stage", &J::stage, "what is done"),
                      field("directory", &J::directory, "from which relative paths in the config count"),
                      field("run", &J::run, "of training, whose metrics are the job's; empty: none"),
                      field("created_by", &J::created_by, "who asked for it"),
                      field("config", &J::config, "of the stage"),
                      field("inputs", &J::inputs, "artefacts that it begins with, as they were then"),
                      field("outputs", &J::outputs, "what it will make")};
  }
};

struct WorkerFile {
  int64_t attempt = 0;
  ProcessIdentity process;
  static constexpr auto fields() {
    return std::tuple{field("attempt", &WorkerFile::attempt, "the first is 1"),
                      field("process", &WorkerFile::process, "that does it")};
  }
};

/// How far a worker is.
struct JobStatus {
  int64_t attempt = 0, beat = 0;
  std::string title, unit, note;
  int64_t done = 0, total = 0;
  static constexpr auto fields() {
    using S = JobStatus;
    return std::tuple{field("attempt", &S::attempt, "whose status it is"),
                      field("beat", &S::beat, "grows while the worker gets on with its work"),
                      field("title", &S::title, "of what is counted"),
                      field("done", &S::done, "so far"),
                      field("total", &S::total, "in all; 0: not known"),
                      field("unit", &S::unit, "of both, in the plural"),
                      field("note", &S::note, "such as the loss")};
  }
  /// Of the whole job, 0 to 99: all of it is done when the job is completed, and not before.
  int64_t percent() const;
};

struct ExitRecord {
  int64_t attempt = 0;
  std::string outcome, code, message;
  std::vector<std::string> results;
  static constexpr auto fields() {
    using E = ExitRecord;
    return std::tuple{field("attempt", &E::attempt, "that ended"),
                      field("outcome", &E::outcome, "how").one_of("completed|cancelled|error"),
                      field("code", &E::code, "of the error"),
                      field("message", &E::message, "of the error, or why it was cancelled"),
                      field("results", &E::results, "what it has made: models/NAME, or results/NAME of the job")};
  }
};

/// The bytes of job.json.
std::string render_job_file(const std::string& id, const NewJob& job);
/// Throws   kDataLoss for one that is damaged, kUnimplemented for one of a newer Maru; kNotFound.
JobFile read_job_file(const fs::path& directory);
/// Nothing where there is none, or none that can be read: a full disk leaves such.
std::optional<WorkerFile> read_worker_file(const fs::path& directory);
std::optional<JobStatus> read_status_file(const fs::path& directory);
std::optional<ExitRecord> read_exit_file(const fs::path& directory);

/// What a worker that is dead had not written to its end. It may be in the system's table for long after: nobody waits
/// for one whose server is dead, too.
void remove_unfinished(const fs::path& directory, int64_t worker);

/// A part of a file that grows, in whole characters of UTF-8 where it is text.
struct FilePart {
  std::string bytes;
  uint64_t offset = 0;  // behind it: where the next one begins
  uint64_t size = 0;    // of the file
};

/// Of at most `limit` bytes; nothing where there is no such file (yet), or the offset lies behind its end.
FilePart read_part(const fs::path& file, uint64_t offset, size_t limit);
/// The last lines of a log, for a message: few, and each short.
std::string last_words(const fs::path& file);

}  // namespace maru::platform
