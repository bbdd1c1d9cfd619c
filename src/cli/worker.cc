// maru worker: does the job of a directory, as a server starts it. Ends with a record of how it ended.
#include <signal.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/system_error.h"
#include "cli/verbs.h"
#include "ledger/manifest.h"
#include "pipeline/stages.h"
#include "platform/job_files.h"
#include "platform/job_recorder.h"
#include "platform/worker_process.h"

namespace maru::cli {
namespace {

using platform::ExitRecord;
using platform::JobFile;

struct Options {
  std::string directory, cores;
  int64_t attempt = 1;
  platform::WorkerLimits limits;
};

/// The same inputs as when the job was asked for. A model and a tokenizer may have one name.
void check_inputs(const JobFile& job, const pipeline::StagePlan& plan) {
  for (const pipeline::StageInput& input : plan.inputs) {
    const auto named = [&](const platform::JobInput& then) { return then.name == input.name; };
    const auto same = [&](const platform::JobInput& then) { return named(then) && then.sha256 == input.sha256; };
    if (std::ranges::any_of(job.inputs, named) && std::ranges::none_of(job.inputs, same))
      throw Failure(ErrorCode::kInvalidArgument, input.name + ": has changed since the job was asked for");
  }
}

/// Whether a worker before this one has made it all, and died before it could say so.
bool is_made(const catalogue::Home& home, const std::string& output, const fs::path& directory) {
  std::error_code error;
  const fs::path place = pipeline::place_of_output(home, output, directory);
  const fs::path mark = fs::is_directory(place, error) ? place / ledger::kManifestName : place;
  const auto made = fs::last_write_time(mark, error);
  return !error && made >= fs::last_write_time(directory / platform::kJobFile);
}

std::vector<std::string> results_of(const catalogue::Home& home, const pipeline::StagePlan& plan,
                                    const fs::path& directory) {
  std::vector<std::string> results;
  for (const auto* list : {&plan.outputs, &plan.others})
    for (const std::string& label : *list)
      if (fs::exists(pipeline::place_of_output(home, label, directory))) results.push_back(label);
  return results;
}

std::vector<std::string> do_stage(const pipeline::Workplace& at, const Options& o, const fs::path& directory) {
  const JobFile job = platform::read_job_file(directory);
  const pipeline::Stage& stage = pipeline::stage_named(job.stage);
  fs::create_directories(job.directory);
  fs::current_path(job.directory);
  const pipeline::StagePlace place{at.home, job.directory};
  // What was begun stands in the way of nobody but others.
  const pipeline::StagePlan plan =
      o.attempt == 1 ? pipeline::plan_stage(stage, place, job.config) : stage.plan(place, job.config);
  check_inputs(job, plan);
  const bool again = o.attempt > 1 && !stage.resumes;
  if (again && !plan.outputs.empty() && is_made(at.home, plan.outputs[0], directory))
    at.watch.inform(plan.outputs[0] + " was made by a worker that could not say so any more");
  else
    stage.run(at, job.config, directory / platform::kResultsFolder);
  return results_of(at.home, plan, directory);
}

ExitRecord failed(ErrorCode code, std::string message) {
  return {.outcome = "error", .code = std::string(name_of(code)), .message = std::move(message), .results = {}};
}

/// How much a job may have stands behind whatever it was that there was no memory for.
ExitRecord out_of_memory(const Options& o, std::string message) {
  if (o.limits.memory_bytes > 0)
    message += ": a job may have " + short_bytes(static_cast<double>(o.limits.memory_bytes));
  return failed(ErrorCode::kExhausted, std::move(message));
}

ExitRecord run_job(const pipeline::Workplace& at, const Options& o, const fs::path& directory) try {
  return {.outcome = "completed", .code = "", .message = "", .results = do_stage(at, o, directory)};
} catch (const Failure& failure) {
  const std::string message = failure.what();
  if (failure.code() == ErrorCode::kExhausted && message.starts_with("memory:")) return out_of_memory(o, message);
  if (failure.code() != ErrorCode::kCancelled) return failed(failure.code(), message);
  return {.outcome = "cancelled", .code = "cancelled", .message = "stopped where it can go on", .results = {}};
} catch (const std::bad_alloc&) {
  return out_of_memory(o, "out of memory");
} catch (const fs::filesystem_error& error) {
  return failed(system_error(error).code, system_error(error).message);
} catch (const std::system_error& error) {  // of a thread that got no memory for its stack
  if (error.code() == std::errc::resource_unavailable_try_again) return out_of_memory(o, "out of memory");
  return failed(ErrorCode::kInternal, error.what());
} catch (const std::exception& error) {
  return failed(ErrorCode::kInternal, error.what());
}

// Whoever asks a second time has not seen that the first time was heard; who has no patience kills.
void stop_once() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupt_token().cancel(); };
  ::sigaction(SIGTERM, &action, nullptr);
}

void work(Session& session, const Options& o) {
  const fs::path directory = fs::absolute(o.directory);
  if (!fs::exists(directory / platform::kJobFile))
    throw Failure(ErrorCode::kNotFound, directory.string() + ": holds no " + platform::kJobFile);
  const std::optional<platform::WorkerLock> lock = platform::WorkerLock::inherited_or_taken(directory);
  if (!lock) throw Failure(ErrorCode::kExists, directory.string() + ": a worker is at it");
  stop_once();
  platform::limit_this_process(o.limits);
  platform::JobRecorder recorder(directory, o.attempt);
  const pipeline::Workplace at{
      session.catalogue(), session.machine(), {.sink = &recorder, .cancel = &interrupt_token()}};
  ExitRecord record = run_job(at, o, directory);
  if (!record.message.empty()) recorder.inform(record.message);
  recorder.finish(record);
  session.answer(to_json(record), "worker       " + record.outcome);
}

}  // namespace

void add_worker(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("worker", "do the job of a directory: what a server starts")->group("");
  auto o = std::make_shared<Options>();
  verb->add_option("directory", o->directory, "with its job.json")->required();
  verb->add_option("--attempt", o->attempt, "the first is 1")->check(whole_number_in(1, int64_t{1} << 40));
  verb->add_option("--cores", o->cores, "it may run on: 0-3,6");
  verb->add_option("--memory-bytes", o->limits.memory_bytes, "it may have; 0: no limit")
      ->check(whole_number_in(0, int64_t{1} << 60));
  verb->add_option("--nice", o->limits.nice, "how far it stands back")->check(whole_number_in(0, 19));
  verb->callback([&session, o] {
    if (!o->cores.empty()) {
      const auto cores = platform::parse_cores(o->cores);
      if (!cores)
        throw Failure(ErrorCode::kInvalidArgument, "--cores: expected such as 0-3,6, got \"" + o->cores + "\"");
      o->limits.cores = *cores;
    }
    work(session, *o);
  });
}

}  // namespace maru::cli
