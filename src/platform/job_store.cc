#include "platform/job_store.h"

#include <fmt/format.h>

#include <chrono>

#include "base/excerpt.h"
#include "base/hex.h"
#include "base/hmac.h"
#include "base/json.h"
#include "base/request_failure.h"
#include "base/temporary.h"
#include "platform/job_files.h"
#include "platform/repositories.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

constexpr size_t kIdBytes = 10, kMaxDescriptionBytes = 4096;

constexpr std::string_view kColumns =
    "number, id, workspace, project, name, description, stage, spec, cores, memory_bytes, memory_limited, heavy, "
    "state, "
    "reason, results, created_at, created_by, updated_at, started_at, ended_at";
constexpr std::string_view kUnfinished = "state NOT IN ('cancelled', 'error', 'completed')";

std::string new_id() { return "job-" + to_hex(random_secret(kIdBytes)); }

JobState state_of(const std::string& name) {
  if (const auto state = job_state_named(name)) return *state;
  throw Failure(ErrorCode::kDataLoss, "platform.db: a job is \"" + name + "\", which is no state");
}

Job read_job(const Statement& row) {
  return {.number = row.integer(0),
          .id = row.text(1),
          .workspace = row.text(2),
          .project = row.text(3),
          .name = row.text(4),
          .description = row.text(5),
          .stage = row.text(6),
          .spec = row.text(7),
          .demand = {.cores = row.integer(8),
                     .memory_bytes = row.integer(9),
                     .memory_limited = row.integer(10) != 0,
                     .heavy = row.integer(11) != 0},
          .state = state_of(row.text(12)),
          .reason = row.text(13),
          .results = row.text(14),
          .created_at = row.text(15),
          .created_by = row.text(16),
          .updated_at = row.text(17),
          .started_at = row.text(18),
          .ended_at = row.text(19)};
}

Job find_job(Connection& c, const std::string& id) {
  Statement row = c.prepare(fmt::format("SELECT {} FROM jobs WHERE id = ?", kColumns));
  row.bind(id);
  if (!row.next()) no_such_job(id);
  return read_job(row);
}

void note(Connection& c, int64_t job, std::string_view state, std::string_view reason) {
  c.prepare("INSERT INTO job_events (job, at, state, reason) VALUES (?, ?, ?, ?)")
      .bind(job)
      .bind(job_time())
      .bind(state)
      .bind(reason)
      .run();
}

bool set_state(Connection& c, const Job& job, JobState from, JobState to, const std::string& reason) {
  CHECK(may_become(from, to));
  const bool starts = to == JobState::kActive, ends = is_final(to);
  const std::string now = job_time();
  c.prepare(
       "UPDATE jobs SET state = ?, reason = ?, updated_at = ?, started_at = coalesce(started_at, ?), ended_at = ? "
       "WHERE number = ? AND state = ?")
      .bind(name_of(to))
      .bind(reason)
      .bind(now)
      .bind(starts ? std::optional(std::string_view(now)) : std::nullopt)
      .bind(ends ? std::optional(std::string_view(now)) : std::nullopt)
      .bind(job.number)
      .bind(name_of(from))
      .run();
  if (c.changes() == 0) return false;
  if (ends) c.prepare("DELETE FROM job_outputs WHERE job = ?").bind(job.number).run();
  note(c, job.number, name_of(to), reason);
  return true;
}

void check_new(const NewJob& job) {
  const auto check = [](const char* field, const std::string& name) {
    if (const Outcome named = check_repository_name(field, name); !named.ok()) refuse(named.error().message, field);
  };
  if (!job.name.empty()) check("name", job.name);
  if (!job.project.empty()) check("project", job.project);
  if (job.description.size() > kMaxDescriptionBytes)
    refuse(fmt::format("expected at most {} bytes", kMaxDescriptionBytes), "description");
}

void claim_outputs(Connection& c, const NewJob& job, int64_t number) {
  for (const std::string& label : job.outputs) try {
      c.prepare("INSERT INTO job_outputs (label, job) VALUES (?, ?)").bind(label).bind(number).run();
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExists) throw;
      throw RequestFailure(ErrorCode::kExists, label + ": another job that has not ended makes it", "config",
                           "conflict");
    }
}

void insert_job(Connection& c, const NewJob& job, const std::string& id, const std::string& spec) {
  const std::string now = job_time();
  c.prepare(
       "INSERT INTO jobs (id, workspace, project, name, description, stage, spec, cores, memory_bytes, memory_limited, "
       "heavy, state, reason, results, created_at, created_by, updated_at) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'created', '', '[]', ?, ?, ?)")
      .bind(id)
      .bind(job.workspace)
      .bind(job.project)
      .bind(job.name.empty() ? id : job.name)
      .bind(job.description)
      .bind(job.stage)
      .bind(spec)
      .bind(job.demand.cores)
      .bind(job.demand.memory_bytes)
      .bind(int64_t{job.demand.memory_limited})
      .bind(int64_t{job.demand.heavy})
      .bind(now)
      .bind(job.by)
      .bind(now)
      .run();
}

[[noreturn]] void conflict(const Job& job, const char* verb) {
  throw RequestFailure(ErrorCode::kExists, fmt::format("job {} is {}: {}", job.id, name_of(job.state), verb), "job",
                       "conflict");
}

}  // namespace

void no_such_job(const std::string& id) {
  throw RequestFailure(ErrorCode::kNotFound, fmt::format("there is no job \"{}\"", excerpt(id)), "job", "");
}

std::string job_time(double seconds_ago) {
  const std::chrono::milliseconds ago(static_cast<int64_t>(1e3 * seconds_ago));
  return utc_milliseconds(std::chrono::system_clock::now() - ago);
}

void JobStore::on_change(std::function<void()> told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
}

void JobStore::changed() {
  const std::lock_guard lock(mutex_);  // who listens no more is not told
  if (told_) told_();
}

Job JobStore::create(const NewJob& job) {
  check_new(job);
  const std::string id = new_id(), spec = render_job_file(id, job);
  const Job made = database().write([&](Connection& c) {
    try {
      insert_job(c, job, id, spec);
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExists) throw;
      throw RequestFailure(ErrorCode::kExists, fmt::format("a job of this workspace is called \"{}\"", job.name),
                           "name", "conflict");
    }
    const Job inserted = find_job(c, id);
    home_.audit().append(c, {.workspace = job.workspace,
                             .actor = job.by,
                             .action = "job.create",
                             .object = id,
                             .details = {{"stage", job.stage}, {"name", inserted.name}}});
    claim_outputs(c, job, inserted.number);
    note(c, inserted.number, "created", "");
    return inserted;
  });
  changed();
  return made;
}

Job JobStore::find(const std::string& id) {
  if (!exists()) no_such_job(id);
  return database().read([&](Connection& c) { return find_job(c, id); });
}

JobPage JobStore::list(const JobQuery& query) {
  if (!exists()) return {};
  std::string where = "1";
  std::vector<std::string> values;
  const auto filter = [&](const char* column, std::string_view value) {
    if (value.empty()) return;
    where += fmt::format(" AND {} = ?", column);
    values.emplace_back(value);
  };
  filter("workspace", query.workspace);
  filter("project", query.project);
  filter("stage", query.stage);
  if (query.state) filter("state", name_of(*query.state));
  return database().read([&](Connection& c) {
    JobPage page;
    Statement count = c.prepare(fmt::format("SELECT count(*) FROM jobs WHERE {}", where));
    for (const std::string& value : values) count.bind(value);
    if (count.next()) page.total = count.integer(0);
    Statement rows =
        c.prepare(fmt::format("SELECT {} FROM jobs WHERE {} ORDER BY number DESC LIMIT ? OFFSET ?", kColumns, where));
    for (const std::string& value : values) rows.bind(value);
    rows.bind(query.limit).bind(query.skip);
    while (rows.next()) page.jobs.push_back(read_job(rows));
    return page;
  });
}

Job JobStore::change(const std::string& id, const char* what, const char* verb, const std::string& by, JobState steady,
                     const std::function<std::vector<JobState>(JobState)>& path) {
  find(id);  // without making a database of none
  const auto [job, moved] = database().write([&](Connection& c) {
    const Job before = find_job(c, id);
    if (before.state == steady) return std::pair(before, false);
    JobState at = before.state;
    const std::vector<JobState> steps = path(at);
    if (steps.empty()) conflict(before, verb);
    for (const JobState next : steps) {
      if (at != next) set_state(c, before, at, next, by.empty() ? "" : "asked for by " + by);
      at = next;
    }
    home_.audit().append(
        c, {.workspace = before.workspace, .actor = by, .action = std::string("job.") + what, .object = id});
    return std::pair(find_job(c, id), true);
  });
  if (moved) changed();
  return job;
}

Job JobStore::cancel(const std::string& id, const std::string& by) {
  using enum JobState;
  const auto path = [](JobState state) -> std::vector<JobState> {
    if (is_waiting(state)) return {kCancelled};
    if (state == kActive) return {kCancelling};
    if (state == kPaused) return {kCancelling, kCancelled};  // nothing runs that would have to be asked
    return state == kCancelling ? std::vector{kCancelling} : std::vector<JobState>{};
  };
  return change(id, "cancel", "only what has not ended is cancelled, and what is pausing once it is paused", by,
                kCancelled, path);
}

Job JobStore::pause(const std::string& id, const std::string& by) {
  using enum JobState;
  const auto path = [](JobState state) -> std::vector<JobState> {
    if (is_waiting(state)) return {kPaused};
    if (state == kActive) return {kPausing};
    return state == kPausing ? std::vector{kPausing} : std::vector<JobState>{};
  };
  return change(id, "pause", "only what waits or runs is paused", by, kPaused, path);
}

Job JobStore::resume(const std::string& id, const std::string& by) {
  const auto path = [](JobState state) -> std::vector<JobState> {
    if (state == JobState::kPaused) return {JobState::kResuming};
    return {};
  };
  return change(id, "resume", "only what is paused is resumed", by, JobState::kResuming, path);
}

void JobStore::remove(const std::string& id, const std::string& by) {
  const Job job = find(id);
  if (!is_final(job.state)) conflict(job, "only what has ended is deleted; cancel it first");
  const fs::path directory = directory_of(id), gone = temporary_of(directory);
  if (fs::exists(directory)) {
    mark_temporary(directory);
    fs::rename(directory, gone);
  }
  database().write([&](Connection& c) {
    c.prepare("DELETE FROM jobs WHERE number = ?").bind(job.number).run();
    home_.audit().append(c, {.workspace = job.workspace, .actor = by, .action = "job.delete", .object = id});
  });
  if (fs::exists(gone)) remove_temporary(gone);
}

std::vector<Attempt> JobStore::attempts(const Job& job) {
  return database().read([&](Connection& c) {
    std::vector<Attempt> all;
    Statement row = c.prepare(
        "SELECT number, pid, start_ticks, boot_id, began_at, ended_at, outcome, reason FROM attempts WHERE job = ? "
        "ORDER BY number");
    row.bind(job.number);
    while (row.next()) {
      Attempt attempt{.number = row.integer(0),
                      .began_at = row.text(4),
                      .ended_at = row.text(5),
                      .outcome = row.text(6),
                      .reason = row.text(7)};
      if (row.integer(1) != 0) attempt.worker = ProcessIdentity{row.integer(1), row.integer(2), row.text(3)};
      all.push_back(std::move(attempt));
    }
    return all;
  });
}

std::vector<JobEvent> JobStore::events(const Job& job) {
  return database().read([&](Connection& c) {
    std::vector<JobEvent> all;
    Statement row = c.prepare("SELECT at, state, reason FROM job_events WHERE job = ? ORDER BY number");
    row.bind(job.number);
    while (row.next()) all.push_back({row.text(0), row.text(1), row.text(2)});
    return all;
  });
}

std::vector<Job> JobStore::unfinished() {
  if (!exists()) return {};
  return database().read([&](Connection& c) {
    std::vector<Job> all;
    Statement row = c.prepare(fmt::format("SELECT {} FROM jobs WHERE {} ORDER BY number", kColumns, kUnfinished));
    while (row.next()) all.push_back(read_job(row));
    return all;
  });
}

std::optional<Attempt> JobStore::last_attempt(const Job& job) {
  std::vector<Attempt> all = attempts(job);
  if (all.empty()) return std::nullopt;
  return std::move(all.back());
}

std::vector<DoneWork> JobStore::done_since(const std::string& time) {
  if (!exists()) return {};
  return database().read([&](Connection& c) {
    std::vector<DoneWork> all;
    Statement row = c.prepare(
        "SELECT workspace, project, sum(core_seconds) FROM attempts JOIN jobs ON jobs.number = attempts.job "
        "WHERE attempts.ended_at >= ? GROUP BY workspace, project");
    row.bind(time);
    while (row.next()) all.push_back({row.text(0), row.text(1), row.number(2)});
    return all;
  });
}

bool JobStore::move(const Job& job, JobState to, const std::string& reason) {
  return database().write([&](Connection& c) { return set_state(c, job, job.state, to, reason); });
}

bool JobStore::explain(const Job& job, const std::string& reason) {
  return database().write([&](Connection& c) {
    c.prepare("UPDATE jobs SET reason = ?, updated_at = ? WHERE number = ? AND state = ?")
        .bind(reason)
        .bind(job_time())
        .bind(job.number)
        .bind(name_of(job.state))
        .run();
    return c.changes() > 0;
  });
}

int64_t JobStore::begin_attempt(const Job& job, const std::string& reason) {
  return database().write([&](Connection& c) -> int64_t {
    if (job.state != JobState::kActive) {
      if (!is_waiting(job.state) || !set_state(c, job, job.state, JobState::kActive, reason)) return 0;
    } else if (find_job(c, job.id).state != JobState::kActive) {
      return 0;
    }
    Statement last = c.prepare("SELECT coalesce(max(number), 0) FROM attempts WHERE job = ?");
    last.bind(job.number);
    const int64_t number = last.next() ? last.integer(0) + 1 : 1;
    c.prepare("INSERT INTO attempts (job, number, began_at) VALUES (?, ?, ?)")
        .bind(job.number)
        .bind(number)
        .bind(job_time())
        .run();
    return number;
  });
}

void JobStore::name_worker(const Job& job, int64_t attempt, const ProcessIdentity& worker) {
  database().write([&](Connection& c) {
    c.prepare("UPDATE attempts SET pid = ?, start_ticks = ?, boot_id = ? WHERE job = ? AND number = ?")
        .bind(worker.pid)
        .bind(worker.start_ticks)
        .bind(worker.boot_id)
        .bind(job.number)
        .bind(attempt)
        .run();
  });
}

bool JobStore::end_attempt(const Job& job, const Ending& ending) {
  return database().write([&](Connection& c) {
    c.prepare(
         "UPDATE attempts SET ended_at = ?, outcome = ?, reason = ?, exit_record = ?, core_seconds = ? "
         "WHERE job = ? AND number = ? AND ended_at IS NULL")
        .bind(job_time())
        .bind(ending.outcome)
        .bind(ending.reason)
        .bind(ending.exit_record)
        .bind(ending.core_seconds)
        .bind(job.number)
        .bind(ending.attempt)
        .run();
    if (c.changes() == 0) return false;
    if (!ending.state) return note(c, job.number, name_of(job.state), ending.reason), true;
    if (!set_state(c, job, job.state, *ending.state, ending.reason))
      throw Failure(ErrorCode::kUnavailable, "job " + job.id + " was changed meanwhile");  // and none of it is done
    c.prepare("UPDATE jobs SET results = ? WHERE number = ?").bind(ending.results).bind(job.number).run();
    return true;
  });
}

}  // namespace maru::platform
