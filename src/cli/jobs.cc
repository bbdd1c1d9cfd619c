// maru jobs: what is to be done, is done and was done in this home, with a running server or without one.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "api/jobs/answers.h"
#include "api/jobs/new_job.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "cli/run_jobs.h"
#include "cli/tenants.h"
#include "cli/verbs.h"
#include "pipeline/stages.h"
#include "platform/job_files.h"

namespace maru::cli {
namespace {

using api::jobs::details_of;
using api::jobs::entry_of;
using api::jobs::JobEntry;
using platform::Job;
using platform::JobState;
using platform::JobStore;

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr size_t kPartBytes = 64 << 10;
constexpr const char* kLocal = "local";

struct Options {
  std::string id, state;
  platform::JobQuery query;
  api::jobs::JobRequest request;
  std::string workspace = kLocal;
  RecipeArguments recipe;
  bool wait = false;
};

std::string line_of(const JobEntry& job) {
  std::string line = fmt::format("{}  {:<9} {:>3} %  {:<10}", job.id, job.stage, job.percent, job.state);
  if (job.name != job.id) line += " " + job.name;
  if (!job.results.empty()) line += fmt::format("  {}", fmt::join(job.results, " "));
  if (job.progress && !is_final(*platform::job_state_named(job.state)))
    line += fmt::format("  {} {}/{} {} {}", job.progress->title, job.progress->done, job.progress->total,
                        job.progress->unit, job.progress->note);
  return job.reason.empty() ? line : line + "\n    " + job.reason;
}

void list(Session& session, const Options& o) {
  const auto home = home_database(session);
  JobStore store(*home);
  platform::JobQuery query = o.query;
  if (!o.state.empty()) {
    query.state = platform::job_state_named(o.state);
    if (!query.state) throw Failure(ErrorCode::kInvalidArgument, "--state: \"" + o.state + "\" is none of a job");
  }
  Json rows = Json::array();
  std::string text;
  for (const Job& job : store.list(query).jobs) {
    const JobEntry entry = entry_of(store, job);
    rows.push_back(to_json(entry));
    text += (text.empty() ? "" : "\n") + line_of(entry);
  }
  session.answer(rows, text.empty() ? "no jobs; `maru jobs start STAGE` asks for one" : text);
}

void show(Session& session, const Options& o) {
  const auto home = home_database(session);
  JobStore store(*home);
  const api::jobs::JobDetails details = details_of(store, store.find(o.id));
  std::string text = line_of(details.job) + "\n" + details.config.dump(2);
  for (const api::jobs::JobChange& change : details.history)
    text += fmt::format("\n{}  {}{}", change.at, change.state, change.reason.empty() ? "" : ": " + change.reason);
  session.answer(to_json(details), text);
}

/// What came behind `offset` of its log, on standard error; what is left of the offset.
uint64_t print_log(const Session& session, const fs::path& log, uint64_t offset) {
  for (;;) {
    const platform::FilePart part = platform::read_part(log, offset, kPartBytes);
    if (part.bytes.empty()) return offset;
    if (!session.quiet) std::fwrite(part.bytes.data(), 1, part.bytes.size(), stderr);
    offset = part.offset;
  }
}

// Whoever stops looking stops nothing else.
void follow(Session& session, JobStore& store, const std::string& id) {
  const fs::path log = store.directory_of(id) / platform::kLogFile;
  std::string said;
  uint64_t offset = 0;
  for (;;) {
    const Job job = store.find(id);
    offset = print_log(session, log, offset);
    const std::string now = fmt::format("{}{}{}", name_of(job.state), job.reason.empty() ? "" : ": ", job.reason);
    if (now != said && !session.quiet) std::fputs((now + "\n").c_str(), stderr);
    said = now;
    if (is_final(job.state) || job.state == JobState::kPaused) break;
    if (interrupted())
      throw Failure(ErrorCode::kCancelled,
                    fmt::format("no longer looking at {}, which stays {}; `maru jobs cancel` ends "
                                "it",
                                id, name_of(job.state)));
    std::this_thread::sleep_for(kLook);
  }
  const Job job = store.find(id);
  if (job.state == JobState::kError) throw Failure(ErrorCode::kInternal, fmt::format("job {}: {}", id, job.reason));
  if (job.state == JobState::kCancelled) throw Failure(ErrorCode::kCancelled, fmt::format("job {}: cancelled", id));
  const JobEntry entry = entry_of(store, job);
  session.answer(to_json(entry), line_of(entry));
}

void start(Session& session, Options& o) {
  const auto home = home_database(session);
  JobStore store(*home);
  o.request.config = o.recipe.read();
  const api::jobs::JobAsker asker{
      .workspace = o.workspace, .by = kLocal, .directory = fs::current_path(), .confined = false};
  const Job job = store.create(new_job(session.catalogue(), o.request, asker));
  if (!o.wait) {
    const JobEntry entry = entry_of(store, job);
    return session.answer(to_json(entry), line_of(entry) + "\n    a server of this home runs it, or `maru jobs run`");
  }
  const platform::JobSupervisor supervisor(store, supervisor_options(session, {}, /*serves=*/false));
  follow(session, store, job.id);
}

/// All that there is to do, without a server.
void run(Session& session) {
  const auto home = home_database(session);
  JobStore store(*home);
  const platform::JobSupervisor supervisor(store, supervisor_options(session, {}, /*serves=*/false));
  const auto to_do = [&] {
    int64_t left = 0;
    for (const Job& job : store.unfinished()) left += job.state == JobState::kPaused ? 0 : 1;
    return left;
  };
  const int64_t before = to_do();
  int64_t left = before;
  for (; left > 0 && !interrupted(); left = to_do()) std::this_thread::sleep_for(kLook);
  std::string text = fmt::format("jobs         {} ended, {} left", before - left, left);
  if (left > 0) text += supervisor.holds_lock() ? "; workers go on by themselves" : "; another process runs them";
  session.answer({{"done", before - left}, {"left", left}}, text);
}

void add_start(CLI::App* jobs, Session& session) {
  CLI::App* verb = jobs->add_subcommand("start", "ask for a job: a stage with its recipe");
  auto o = std::make_shared<Options>();
  std::string about = "Stages:\n";
  for (const pipeline::Stage& stage : pipeline::stages()) about += fmt::format("  {:<9} {}\n", stage.name, stage.doc);
  about +=
      "\n  maru jobs start tune model=korean data=chats.jsonl name=talks lora.rank=16\n"
      "A config has the keys of the stage's verb; relative paths count from here.\n";
  verb->footer(about);
  verb->add_option("stage", o->request.stage, "what is done")->required();
  verb->add_option("--name", o->request.name, "of the job; without: its id");
  verb->add_option("--project", o->request.project, "projects take turns");
  verb->add_option("--workspace", o->workspace, "whose it is; without: local");
  verb->add_option("--cores", o->request.cores, "that it computes on")->check(whole_number_in(0, 1024));
  verb->add_option("--memory-mib", o->request.memory_mib, "that it may have")->check(whole_number_in(0, 1 << 30));
  verb->add_flag("--wait", o->wait, "until it has ended, and run it here if no server does");
  std::string fields;
  for (const pipeline::Stage& stage : pipeline::stages()) fields += fmt::format("{}:\n{}", stage.name, stage.fields());
  o->recipe.add_to(verb, fields);
  verb->callback([&session, o] { start(session, *o); });
}

/// A verb about one job.
template <class Act>
void add_about_one(CLI::App* jobs, const char* name, const char* help, Act act) {
  CLI::App* verb = jobs->add_subcommand(name, help);
  auto o = std::make_shared<Options>();
  verb->add_option("id", o->id, "of the job")->required();
  verb->callback([o, act] { act(*o); });
}

void add_changes(CLI::App* jobs, Session& session) {
  const auto add = [&](const char* name, const char* help, auto change) {
    add_about_one(jobs, name, help, [&session, change](const Options& o) {
      const auto home = home_database(session);
      JobStore store(*home);
      const JobEntry entry = entry_of(store, (store.*change)(o.id, kLocal));
      session.answer(to_json(entry), line_of(entry));
    });
  };
  add("cancel", "end a job; what it has saved stays", &JobStore::cancel);
  add("pause", "stop a job where it can go on", &JobStore::pause);
  add("resume", "let it go on", &JobStore::resume);
}

}  // namespace

void add_jobs(CLI::App& app, Session& session) {
  CLI::App* jobs = app.add_subcommand("jobs", "ask for jobs of this home, look at them, follow, pause and end them");
  jobs->require_subcommand(1);
  auto o = std::make_shared<Options>();
  CLI::App* all = jobs->add_subcommand("list", "the newest first");
  all->add_option("--state", o->state, "created, pending, active, paused, error, completed, …");
  all->add_option("--stage", o->query.stage, "what is done");
  all->add_option("--project", o->query.project, "of a workspace");
  all->add_option("--workspace", o->query.workspace, "whose they are; without: all");
  all->add_option("--limit", o->query.limit, "how many (default: 100)")->check(whole_number_in(1, 100'000));
  all->callback([&session, o] { list(session, *o); });
  add_about_one(jobs, "show", "a job, its recipe and what it was",
                [&session](const Options& one) { show(session, one); });
  add_about_one(jobs, "follow", "its log as it grows, until it has ended", [&session](const Options& one) {
    const auto home = home_database(session);
    JobStore store(*home);
    follow(session, store, one.id);
  });
  add_start(jobs, session);
  jobs->add_subcommand("run", "do all that there is to do, without a server")->callback([&session] { run(session); });
  add_changes(jobs, session);
  add_about_one(jobs, "remove", "forget one that has ended, with its log", [&session](const Options& one) {
    const auto home = home_database(session);
    JobStore(*home).remove(one.id, kLocal);
    session.answer({{"removed", one.id}}, "removed      " + one.id);
  });
}

}  // namespace maru::cli
