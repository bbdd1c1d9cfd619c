#include "platform/job_supervisor.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "platform/job_files.h"
#include "platform/test_worker.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;
using enum JobState;

class JobSupervisorTest : public testing::Test {
 protected:
  ~JobSupervisorTest() override {
    supervisor_.reset();
    for (const Job& job : store_.unfinished())
      if (const auto attempt = store_.last_attempt(job); attempt && attempt->worker)
        signal_group(*attempt->worker, SIGKILL);
    fs::remove_all(root_);
  }
  SupervisorOptions options() {
    return {.command = command_,
            .config = {.restarts = 2, .restart_seconds = 0.01, .grace_seconds = 0.3, .hang_seconds = 0},
            .capacity = {.cores = 4, .memory_bytes = int64_t{1} << 40, .heavy = 1},
            .warn = [this](const std::string& message) { warnings_ += message + "\n"; }};
  }
  void start() { supervisor_ = std::make_unique<JobSupervisor>(store_, options()); }
  Job want(const std::string& what, bool heavy = false) {
    return store_.create({.workspace = "team",
                          .by = "me",
                          .stage = "tune",
                          .config = {{"do", what}},
                          .demand = {.cores = 1, .heavy = heavy}});
  }
  Job now(const Job& job) { return store_.find(job.id); }
  static bool soon(const std::function<bool()>& f) {
    for (int i = 0; i < 4000 && !f(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return f();
  }
  bool becomes(const Job& job, JobState state) {
    return soon([&] { return now(job).state == state; });
  }
  bool started(const Job& job, int attempt = 1) {
    return soon([&] { return fs::exists(store_.directory_of(job.id) / ("started." + std::to_string(attempt))); });
  }
  size_t attempts(const Job& job) { return store_.attempts(job).size(); }

  const fs::path root_ = fs::temp_directory_path() / ("maru_job_supervisor_" + std::to_string(::getpid()));
  const WorkerCommand command_ = script_worker(root_ / "bin");
  HomeDatabase home_{root_ / "platform"};
  JobStore store_{home_};
  std::string warnings_;
  std::unique_ptr<JobSupervisor> supervisor_;
};

TEST_F(JobSupervisorTest, AJobIsDoneAndSaysWhatItMade) {
  start();
  const Job job = want("ok");
  ASSERT_TRUE(becomes(job, kCompleted));
  EXPECT_EQ(R"(["models/x"])", now(job).results);
  std::vector<std::string> states;
  for (const JobEvent& event : store_.events(job)) states.push_back(event.state);
  EXPECT_THAT(states, testing::ElementsAre("created", "pending", "active", "completed"));
  EXPECT_EQ("completed", store_.last_attempt(job)->outcome);
  EXPECT_TRUE(supervisor_->holds_lock());
  EXPECT_EQ("", warnings_);
}

TEST_F(JobSupervisorTest, AFailureHasItsReasonAndIsNotTriedAgain) {
  start();
  const Job job = want("fail");
  ASSERT_TRUE(becomes(job, kError));
  EXPECT_EQ("line 3 is bad", now(job).reason);
  EXPECT_EQ(1u, attempts(job));
}

TEST_F(JobSupervisorTest, AWorkerThatDiesIsFollowedByAnotherUpToALimit) {
  start();
  const Job once = want("crash-once"), always = want("crash");
  ASSERT_TRUE(becomes(once, kCompleted));
  EXPECT_EQ(2u, attempts(once));
  EXPECT_EQ("lost", store_.attempts(once)[0].outcome);
  ASSERT_TRUE(becomes(always, kError));
  EXPECT_EQ(3u, attempts(always));
  EXPECT_THAT(now(always).reason, HasSubstr("the worker was ended by SIGKILL (9); its last words:"));
  EXPECT_THAT(now(always).reason, HasSubstr("about to fall"));
  EXPECT_THAT(now(always).reason, HasSubstr("(3 attempts)"));
  const Job wordless = want("exit");
  ASSERT_TRUE(becomes(wordless, kError));
  EXPECT_THAT(now(wordless).reason, HasSubstr("ended with exit code 5"));
}

TEST_F(JobSupervisorTest, WhoeverIsCancelledMayFinishAndIsKilledIfHeDoesNot) {
  start();
  const Job waits = want("wait"), deaf = want("deaf"), pending = want("ok", true);
  ASSERT_TRUE(started(waits) && started(deaf));
  store_.cancel(waits.id, "me");
  ASSERT_TRUE(becomes(waits, kCancelled));
  EXPECT_EQ("cancelled", store_.last_attempt(waits)->outcome);
  store_.cancel(deaf.id, "me");
  ASSERT_TRUE(becomes(deaf, kCancelled));
  EXPECT_THAT(now(deaf).reason, HasSubstr("did not stop within 0.3 s and was killed"));
  EXPECT_TRUE(becomes(pending, kCompleted));
}

TEST_F(JobSupervisorTest, WhatIsPausedGoesOnWhenItIsResumed) {
  start();
  const Job job = want("wait-once");
  ASSERT_TRUE(started(job));
  store_.pause(job.id, "me");
  ASSERT_TRUE(becomes(job, kPaused));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(kPaused, now(job).state);
  store_.resume(job.id, "me");
  ASSERT_TRUE(becomes(job, kCompleted));
  EXPECT_EQ(2u, attempts(job));
}

TEST_F(JobSupervisorTest, WhoWasToldToStopByOthersGoesOn) {
  start();
  const Job job = want("wait-once");
  ASSERT_TRUE(started(job));
  ASSERT_TRUE(soon([&] { return store_.last_attempt(job)->worker.has_value(); }));
  ::kill(static_cast<pid_t>(store_.last_attempt(job)->worker->pid), SIGTERM);  // as a system that shuts down does
  ASSERT_TRUE(becomes(job, kCompleted));
  EXPECT_EQ("cancelled", store_.attempts(job)[0].outcome);
}

TEST_F(JobSupervisorTest, WorkersGoOnWithoutAServerAndAreFoundAgain) {
  start();
  const Job job = want("until"), ends_alone = want("until");
  ASSERT_TRUE(started(job) && started(ends_alone));
  ASSERT_TRUE(soon([&] { return store_.last_attempt(ends_alone)->worker.has_value(); }));
  supervisor_.reset();
  EXPECT_TRUE(lives(*store_.last_attempt(job)->worker));
  write_file(store_.directory_of(ends_alone.id) / "go", "");
  ASSERT_TRUE(soon([&] { return read_exit_file(store_.directory_of(ends_alone.id)).has_value(); }));
  EXPECT_EQ(kActive, now(ends_alone).state);
  start();
  ASSERT_TRUE(becomes(ends_alone, kCompleted));
  EXPECT_EQ(kActive, now(job).state);
  write_file(store_.directory_of(job.id) / "go", "");
  ASSERT_TRUE(becomes(job, kCompleted));
  EXPECT_EQ(1u, attempts(job)) << "it was adopted";
  EXPECT_EQ(1u, attempts(ends_alone));
}

TEST_F(JobSupervisorTest, NoServerIsKilledAtABadMoment) {
  // Between the transition and the start: an attempt without a worker.
  const Job begun = want("ok");
  store_.begin_attempt(begun, "");
  // Between the start and its record: a worker that nobody knows, which has said who it is, and one that has not yet.
  const Job unknown = want("until"), silent = want("until");
  for (const Job* job : {&unknown, &silent}) {
    const fs::path directory = store_.directory_of(job->id);
    fs::create_directories(directory);
    write_file(directory / kJobFile, job->spec);
    store_.begin_attempt(*job, "");
    const int64_t pid = start_worker(command_, directory, 1, {}, WorkerLock::try_take(directory).value());
    const ProcessIdentity identity = identity_of(pid).value();
    if (job == &unknown)
      write_file(directory / kWorkerFile, to_json(WorkerFile{1, identity}).dump());
    else
      store_.cancel(job->id, "me");
  }
  // Between the exit record and the state; and one whose number another process has by now.
  const Job ended = want("crash"), reused = want("ok");
  for (const Job* job : {&ended, &reused}) {
    store_.begin_attempt(*job, "");
    ProcessIdentity other = identity_of(::getpid()).value();
    other.start_ticks -= 1;
    store_.name_worker(*job, 1, other);
  }
  fs::create_directories(store_.directory_of(ended.id));
  write_file(store_.directory_of(ended.id) / kExitFile,
             to_json(ExitRecord{.attempt = 1, .outcome = "completed", .results = {}}).dump());
  start();
  EXPECT_TRUE(becomes(begun, kCompleted));
  EXPECT_EQ(2u, attempts(begun));
  EXPECT_TRUE(becomes(ended, kCompleted));
  EXPECT_EQ(1u, attempts(ended));
  EXPECT_TRUE(becomes(reused, kCompleted));
  EXPECT_EQ(2u, attempts(reused));
  EXPECT_EQ(kCancelling, now(silent).state) << "somebody holds its lock";
  for (const Job* job : {&unknown, &silent}) write_file(store_.directory_of(job->id) / "go", "");
  EXPECT_TRUE(becomes(unknown, kCompleted));
  EXPECT_EQ(1u, attempts(unknown));
  EXPECT_TRUE(becomes(silent, kCancelled));
}

TEST_F(JobSupervisorTest, AnOldExitRecordIsNotTakenForANewOne) {
  const Job job = want("crash-once");
  fs::create_directories(store_.directory_of(job.id));
  write_file(store_.directory_of(job.id) / kExitFile,
             to_json(ExitRecord{.attempt = 7, .outcome = "completed", .results = {}}).dump());
  start();
  ASSERT_TRUE(becomes(job, kCompleted));
  EXPECT_EQ(2u, attempts(job));
}

TEST_F(JobSupervisorTest, OneOfTwoServersRunsTheJobs) {
  start();
  ASSERT_TRUE(becomes(want("ok"), kCompleted));
  HomeDatabase other_home(root_ / "platform");
  JobStore other_store(other_home);
  auto other = std::make_unique<JobSupervisor>(other_store, options());
  std::vector<Job> jobs;
  for (int i = 0; i < 8; ++i)
    jobs.push_back(i % 2 == 0
                       ? want("ok")
                       : other_store.create({.workspace = "b", .stage = "tune", .config = {{"do", "crash-once"}}}));
  for (const Job& job : jobs) EXPECT_TRUE(becomes(job, kCompleted));
  for (size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(1 + i % 2, attempts(jobs[i]));
  EXPECT_FALSE(other->holds_lock());
  supervisor_.reset();
  EXPECT_TRUE(becomes(want("ok"), kCompleted)) << "the other takes over";
  EXPECT_TRUE(other->holds_lock());
}

TEST_F(JobSupervisorTest, WhoHangsIsKilled) {
  SupervisorOptions impatient = options();
  impatient.config.hang_seconds = 0.3, impatient.config.restarts = 0;
  supervisor_ = std::make_unique<JobSupervisor>(store_, impatient);
  const Job job = want("stop");
  ASSERT_TRUE(becomes(job, kError));
  EXPECT_THAT(now(job).reason, HasSubstr("showed no sign of work for 0.3 s and was killed"));
}

TEST_F(JobSupervisorTest, WhatAWorkerLeavesBehindEndsWithIt) {
  start();
  const Job job = want("fork");
  ASSERT_TRUE(becomes(job, kError));
  const int64_t forked = std::stoll(read_file(store_.directory_of(job.id) / "forked"));
  EXPECT_TRUE(soon([&] { return !identity_of(forked).has_value(); }));
}

TEST_F(JobSupervisorTest, HeavyJobsWaitForEachOtherAndSaySo) {
  start();
  const Job first = want("until", true), second = want("ok", true), light = want("ok");
  ASSERT_TRUE(started(first));
  EXPECT_TRUE(becomes(light, kCompleted));
  EXPECT_TRUE(soon([&] { return now(second).reason.find("1 heavy job at a time") != std::string::npos; }));
  EXPECT_EQ(kPending, now(second).state);
  write_file(store_.directory_of(first.id) / "go", "");
  EXPECT_TRUE(becomes(second, kCompleted));
}

TEST_F(JobSupervisorTest, AProgramThatCannotBeStartedIsAFailureWithItsName) {
  SupervisorOptions wrong = options();
  wrong.command.program = "/no/such/maru";
  supervisor_ = std::make_unique<JobSupervisor>(store_, wrong);
  const Job job = want("ok");
  ASSERT_TRUE(becomes(job, kError));
  EXPECT_THAT(now(job).reason, HasSubstr("could not be started: /no/such/maru: cannot start"));
}

TEST_F(JobSupervisorTest, AHomeWithoutJobsIsLeftAsItIs) {
  start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(fs::exists(root_ / "platform"));
  EXPECT_FALSE(supervisor_->holds_lock());
}

}  // namespace
}  // namespace maru::platform
