#include "api/jobs/answers.h"

#include "base/json.h"
#include "platform/job_files.h"

namespace maru::api::jobs {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::vector<std::string> list_of(const std::string& text) {
  Result<Json> json = parse_json(text, "");
  std::vector<std::string> all;
  if (json.ok() && json->is_array())
    for (const Json& one : *json)
      if (one.is_string()) all.push_back(one.get<std::string>());
  return all;
}

}  // namespace

JobEntry entry_of(const platform::JobStore& store, const platform::Job& job) {
  JobEntry entry{.id = job.id,
                 .name = job.name,
                 .workspace = job.workspace,
                 .project = job.project,
                 .description = job.description,
                 .stage = job.stage,
                 .state = std::string(name_of(job.state)),
                 .reason = job.reason,
                 .results = list_of(job.results),
                 .created_at = job.created_at,
                 .created_by = job.created_by,
                 .updated_at = job.updated_at,
                 .started_at = unless_empty(job.started_at),
                 .ended_at = unless_empty(job.ended_at)};
  if (const auto status = platform::read_status_file(store.directory_of(job.id))) {
    entry.percent = status->percent();
    if (!status->title.empty())
      entry.progress = JobProgress{.title = status->title,
                                   .unit = status->unit,
                                   .note = status->note,
                                   .done = status->done,
                                   .total = status->total};
  }
  if (job.state == platform::JobState::kCompleted) entry.percent = 100;
  return entry;
}

JobDetails details_of(platform::JobStore& store, const platform::Job& job) {
  JobDetails details{.job = entry_of(store, job)};
  if (Result<Json> spec = parse_json(job.spec, job.id); spec.ok()) details.config = (*spec)["config"];
  for (const platform::Attempt& attempt : store.attempts(job))
    details.attempts.push_back({.number = attempt.number,
                                .began_at = attempt.began_at,
                                .ended_at = unless_empty(attempt.ended_at),
                                .outcome = unless_empty(attempt.outcome),
                                .reason = attempt.reason});
  for (const platform::JobEvent& event : store.events(job))
    details.history.push_back({event.at, event.state, event.reason});
  return details;
}

}  // namespace maru::api::jobs
