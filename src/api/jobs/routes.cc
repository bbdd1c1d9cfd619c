#include "api/jobs/routes.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "api/console/answers.h"
#include "api/jobs/answers.h"
#include "api/jobs/follow.h"
#include "api/jobs/new_job.h"
#include "base/request_failure.h"
#include "base/utf8.h"
#include "catalogue/run_rows.h"
#include "http/asker.h"
#include "http/json_body.h"
#include "platform/job_files.h"

namespace maru::api::jobs {
namespace {

using platform::Job;
using platform::JobStore;

constexpr const char* kLocal = "local";  // whose jobs are those of a server without keys
constexpr int64_t kPageSize = 100, kMaxPageSize = 1000, kMaxPoints = 100'000;
constexpr size_t kLogBytes = 256 << 10, kFollowBytes = 32 << 10;

/// The body of a wish about a job: clients send none, or an empty object.
struct JobWish {
  static constexpr auto fields() { return std::tuple{}; }
};

std::string workspace_of(const http::Request& request) {
  return request.principal ? request.principal->tenant : kLocal;
}

int64_t number(const http::Request& request, const char* name, int64_t otherwise, int64_t least, int64_t most) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return otherwise;
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    refuse(fmt::format("expected a whole number from {} to {}", least, most), name);
  return value;
}

bool wants_stream(const http::Request& request) {
  const std::string_view follow = request.parameter("follow");
  if (!follow.empty() && follow != "true" && follow != "false") refuse("expected true or false", "follow");
  return follow == "true";
}

template <class T>
http::Reply answer(const T& value, int status = 200) {
  return {.answer = http::Response{.status = status, .body = http::to_line(to_json(value))}};
}

class Jobs {
 public:
  Jobs(JobStore& store, const fs::path& home) : store_(store), home_(home) {}

  http::Reply create(const http::Request& request) {
    const auto wanted = http::read_fields<JobRequest>(http::read_object(request.body));
    const JobAsker asker{.workspace = workspace_of(request),
                         .by = author_of(request),
                         .directory = fs::absolute(home_.folder(catalogue::Kind::kDataset))};
    return answer(entry_of(store_, store_.create(new_job(home_, wanted, asker))), 201);
  }

  http::Reply list(const http::Request& request) {
    platform::JobQuery query{.workspace = std::string(request.parameter("workspace")),
                             .project = std::string(request.parameter("project")),
                             .stage = std::string(request.parameter("stage"))};
    if (!query.workspace.empty() && !may_enter(request, query.workspace)) return answer(JobList{});
    if (const auto only = only_workspace(request)) query.workspace = *only;
    if (const std::string_view state = request.parameter("state"); !state.empty()) {
      query.state = platform::job_state_named(state);
      if (!query.state) refuse("expected a state of jobs, such as active", "state");
    }
    query.limit = number(request, "limit", kPageSize, 1, kMaxPageSize);
    query.skip = (number(request, "page", 1, 1, int64_t{1} << 40) - 1) * query.limit;
    const platform::JobPage page = store_.list(query);
    JobList found{.total = page.total};
    for (const Job& job : page.jobs) found.data.push_back(entry_of(store_, job));
    return answer(found);
  }

  http::Reply show(const http::Request& request) { return answer(details_of(store_, find(request))); }

  template <class Change>
  http::Reply change(const http::Request& request, Change change) {
    if (!request.body.empty() && !http::read_object(request.body).empty()) refuse("expected an empty object", "");
    return answer(entry_of(store_, (store_.*change)(find(request).id, author_of(request))));
  }

  http::Reply remove(const http::Request& request) {
    const std::string id = find(request).id;
    store_.remove(id, author_of(request));
    return {.answer = http::Response{.body = http::to_line(Json{{"deleted", id}})}};
  }

  http::Reply log(const http::Request& request, const http::Wake& wake) {
    const Job job = find(request);
    const fs::path file = store_.directory_of(job.id) / platform::kLogFile;
    auto offset = static_cast<uint64_t>(number(request, "offset", 0, 0, int64_t{1} << 60));
    if (!wants_stream(request)) return answer(part_of(file, offset, kLogBytes));
    return {.answer = followers_.follow(
                [this, file, id = job.id, offset](std::string& to) mutable {
                  const bool ended = has_ended(id);  // asked first: what comes after is not missed
                  const JobLog part = part_of(file, offset, kFollowBytes);
                  offset = part.offset;
                  if (!part.text.empty()) http::append_event(to, http::to_line(to_json(part)));
                  return go_on(id, ended && part.text.empty(), to);
                },
                wake)};
  }

  http::Reply metrics(const http::Request& request, const http::Wake& wake) {
    const Job job = find(request);
    const std::string_view given = request.parameter("position");
    const Result<catalogue::RowsPosition> parsed = catalogue::RowsPosition::parse(given.empty() ? "0" : given);
    if (!parsed) refuse(parsed.error().message, "position");
    const int64_t points = number(request, "points", 0, 0, kMaxPoints);
    const fs::path file = metrics_of(job);
    catalogue::RowsPosition position = parsed.value();
    if (!wants_stream(request)) return answer(rows_of(file, position, points));
    return {.answer = followers_.follow(
                [this, file, id = job.id, position, points](std::string& to) mutable {
                  const bool ended = has_ended(id);
                  const console::RunRows rows = rows_of(file, position, points);
                  const bool news = !rows.rows.empty() || rows.restarted;
                  if (news) http::append_event(to, http::to_line(to_json(rows)));
                  return go_on(id, ended && !news && !rows.more, to);
                },
                wake)};
  }

 private:
  /// One of another workspace is as if it were not there.
  Job find(const http::Request& request) {
    Job job = store_.find(request.arguments[0]);
    if (may_enter(request, job.workspace)) return job;
    platform::no_such_job(job.id);
  }

  static JobLog part_of(const fs::path& file, uint64_t offset, size_t limit) {
    const platform::FilePart part = platform::read_part(file, offset, limit);
    return {.text = replace_invalid_utf8(part.bytes), .offset = part.offset, .size = part.size};
  }

  fs::path metrics_of(const Job& job) const {
    const Json spec = parse_json(job.spec, job.id).value();
    const std::string run = spec.value("run", "");
    return run.empty() ? fs::path() : home_.place(catalogue::Kind::kRun, run) / catalogue::kRunMetrics;
  }

  /// Those behind `position`, which is moved behind them.
  static console::RunRows rows_of(const fs::path& file, catalogue::RowsPosition& position, int64_t points) {
    if (file.empty() || !fs::exists(file)) return {.rows = {}, .position = position.text()};
    catalogue::RowsPart part = catalogue::read_rows(file, position, points);
    position = part.position;
    return {.rows = std::move(part.rows),
            .position = position.text(),
            .restarted = part.restarted,
            .more = part.more,
            .damaged = part.damaged};
  }

  bool has_ended(const std::string& id) { return is_final(store_.find(id).state); }
  /// The last event says what became of the job.
  bool go_on(const std::string& id, bool over, std::string& to) {
    if (over) http::append_event(to, http::to_line(to_json(entry_of(store_, store_.find(id)))), "end");
    return !over;
  }

  JobStore& store_;
  const catalogue::Home home_;
  Followers followers_;
};

}  // namespace

void add_routes(http::Router& router, JobStore& store, const fs::path& home) {
  using http::Method, http::Request, http::Wake;
  const auto jobs = std::make_shared<Jobs>(store, home);
  const auto add = [&](Method method, std::string pattern, std::string doc, auto handle,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = "/v1/maru/jobs" + std::move(pattern),
                .handler = [jobs, handle](const Request& r, const Wake& wake) { return handle(*jobs, r, wake); },
                .scope = method == Method::kGet ? "read" : "write",
                .doc = std::move(doc),
                .body = body});
  };
  add(
      Method::kPost, "", "starts a job: a stage with its config", [](Jobs& j, auto& r, auto&) { return j.create(r); },
      http::body_schema<JobRequest>);
  add(Method::kGet, "", "jobs, the newest first: ?state=, ?stage=, ?project=, ?workspace=, ?page= of ?limit=",
      [](Jobs& j, auto& r, auto&) { return j.list(r); });
  add(Method::kGet, "/{id}", "a job with its config, its workers and what it was",
      [](Jobs& j, auto& r, auto&) { return j.show(r); });
  add(
      Method::kPost, "/{id}/cancel", "ends it; what it has saved stays",
      [](Jobs& j, auto& r, auto&) { return j.change(r, &JobStore::cancel); }, http::body_schema<JobWish>);
  add(
      Method::kPost, "/{id}/pause", "stops it where it can go on",
      [](Jobs& j, auto& r, auto&) { return j.change(r, &JobStore::pause); }, http::body_schema<JobWish>);
  add(
      Method::kPost, "/{id}/resume", "lets it go on",
      [](Jobs& j, auto& r, auto&) { return j.change(r, &JobStore::resume); }, http::body_schema<JobWish>);
  add(Method::kDelete, "/{id}", "forgets one that has ended, with its files; what it made in the home stays",
      [](Jobs& j, auto& r, auto&) { return j.remove(r); });
  add(Method::kGet, "/{id}/log", "its log from byte ?offset= on; ?follow=true: as it grows, as events",
      [](Jobs& j, auto& r, auto& wake) { return j.log(r, wake); });
  add(Method::kGet, "/{id}/metrics",
      "rows of its training behind ?position=, thinned to some ?points=; ?follow=true: as they come, as events",
      [](Jobs& j, auto& r, auto& wake) { return j.metrics(r, wake); });
}

}  // namespace maru::api::jobs
