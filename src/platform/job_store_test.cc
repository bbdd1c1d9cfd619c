#include "platform/job_store.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "base/json.h"
#include "base/random.h"
#include "base/request_failure.h"
#include "platform/job_files.h"
#include "platform/schema.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using enum JobState;

class JobStoreTest : public testing::Test {
 protected:
  ~JobStoreTest() override { fs::remove_all(folder_); }
  static NewJob wanted(const std::string& name = "", const std::string& workspace = "team") {
    return {.workspace = workspace, .by = "me", .name = name, .stage = "tune"};
  }
  JobState state_of(const Job& job) { return store_.find(job.id).state; }
  Job in(const std::vector<JobState>& steps) {
    Job job = store_.create(wanted());
    for (const JobState to : steps) {
      EXPECT_TRUE(store_.move(job, to, "test"));
      job = store_.find(job.id);
    }
    return job;
  }
  template <class F>
  Error error_of(F f) {
    try {
      f();
    } catch (const Failure& e) {
      return e.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  const fs::path folder_ = fs::temp_directory_path() / ("maru_job_store_" + std::to_string(::getpid()));
  HomeDatabase home_{folder_};
  JobStore store_{home_};
};

TEST_F(JobStoreTest, NothingIsMadeBeforeThereIsAJob) {
  EXPECT_TRUE(store_.unfinished().empty());
  EXPECT_EQ(0, store_.list({}).total);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { store_.find("job-1"); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { store_.cancel("job-1", ""); }).code);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(JobStoreTest, AJobIsMadeAndFound) {
  int told = 0;
  store_.on_change([&] { ++told; });
  const Job job = store_.create({.workspace = "team",
                                 .project = "p",
                                 .by = "me",
                                 .name = "first",
                                 .stage = "tune",
                                 .outputs = {"models/a"},
                                 .demand = {.cores = 2, .memory_bytes = 5, .heavy = true}});
  EXPECT_EQ(1, told);
  EXPECT_EQ(24u, job.id.size());
  EXPECT_EQ(kCreated, job.state);
  const Job found = store_.find(job.id);
  EXPECT_EQ("first", found.name);
  EXPECT_THAT(found.created_at, testing::MatchesRegex("....-..-..T..:..:..[.]...Z"));
  EXPECT_EQ(2, found.demand.cores);
  EXPECT_TRUE(found.demand.heavy);
  EXPECT_EQ("", found.started_at);
  EXPECT_EQ(job.id, parse_json(found.spec, "").value()["id"]);
  EXPECT_EQ(1u, store_.events(found).size());
}

TEST_F(JobStoreTest, NamesAreOnesOwnAndOutputsEverybodys) {
  store_.create(wanted("a"));
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { store_.create(wanted("a")); }).code);
  store_.create(wanted("a", "other"));
  for (const char* bad : {"..", "a/b", "-", "a..b", "\xff"})
    EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { store_.create(wanted(bad)); }).code) << bad;
  NewJob maker = wanted("maker");
  maker.outputs = {"models/x", "runs/x"};
  const Job first = store_.create(maker);
  maker.name = "second";
  const Error taken = error_of([&] { store_.create(maker); });
  EXPECT_EQ(ErrorCode::kExists, taken.code);
  EXPECT_THAT(taken.message, HasSubstr("models/x: another job that has not ended makes it"));
  EXPECT_EQ(3, store_.list({}).total) << "nothing is left of one that is refused";
  store_.cancel(first.id, "me");
  store_.create(maker);
}

TEST_F(JobStoreTest, PeopleGetWhatTheStateAllows) {
  const std::vector<std::pair<std::vector<JobState>, std::array<const char*, 3>>> cases{
      {{}, {"cancelled", "paused", ""}},
      {{kPending}, {"cancelled", "paused", ""}},
      {{kPending, kActive}, {"cancelling", "pausing", ""}},
      {{kPending, kActive, kPausing}, {"", "pausing", ""}},
      {{kPaused}, {"cancelled", "paused", "resuming"}},
      {{kPaused, kResuming}, {"cancelled", "paused", "resuming"}},
      {{kActive, kCancelling}, {"cancelling", "", ""}},
      {{kActive, kCompleted}, {"", "", ""}},
      {{kActive, kError}, {"", "", ""}},
      {{kCancelled}, {"cancelled", "", ""}}};
  for (const auto& [steps, expected] : cases) {
    const auto got = [&](auto change) -> std::string {
      const Job job = in(steps);
      try {
        return std::string(name_of(change(job.id).state));
      } catch (const RequestFailure& failure) {
        EXPECT_EQ(ErrorCode::kExists, failure.code());
        EXPECT_EQ(job.state, state_of(job));
        return "";
      }
    };
    EXPECT_EQ(expected[0], got([&](auto& id) { return store_.cancel(id, "me"); }));
    EXPECT_EQ(expected[1], got([&](auto& id) { return store_.pause(id, "me"); }));
    EXPECT_EQ(expected[2], got([&](auto& id) { return store_.resume(id, "me"); }));
  }
}

TEST_F(JobStoreTest, WhatPeopleDoIsInTheAudit) {
  const Job job = store_.create(wanted("a"));
  store_.pause(job.id, "you");
  store_.pause(job.id, "you");  // done already: nothing to tell
  store_.resume(job.id, "you");
  store_.cancel(job.id, "they");
  EXPECT_THROW(store_.resume(job.id, "you"), Failure);
  store_.remove(job.id, "me");
  std::vector<std::string> told;
  home_.read([&](Connection& c) {
    for (const AuditEntry& entry : audit_entries(c, std::nullopt, 0, 100)) {
      EXPECT_EQ("team", entry.event.workspace);
      EXPECT_EQ(job.id, entry.event.object);
      told.push_back(entry.event.actor + " " + entry.event.action);
    }
  });
  EXPECT_THAT(told,
              ElementsAre("me job.create", "you job.pause", "you job.resume", "they job.cancel", "me job.delete"));
}

TEST_F(JobStoreTest, AWorkspaceStaysAsLongAsItHasJobs) {
  Workspaces workspaces(home_);
  workspaces.create("team", "", "me");
  const Job job = store_.create(wanted("a"));
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { workspaces.remove("team", "me"); }).code);
  store_.cancel(job.id, "me");
  store_.remove(job.id, "me");
  EXPECT_EQ("no error", error_of([&] { workspaces.remove("team", "me"); }).message);
}

TEST_F(JobStoreTest, OfTwoWhoChangeAJobOneDoes) {
  const Job job = in({kPending});
  EXPECT_TRUE(store_.move(job, kPaused, ""));
  EXPECT_FALSE(store_.move(job, kActive, "")) << "it is pending no more";
  EXPECT_EQ(0, store_.begin_attempt(job, ""));
  EXPECT_FALSE(store_.explain(job, "late"));
  EXPECT_EQ(kPaused, state_of(job));
  // At once, from stores of their own, as processes have them.
  for (int round = 0; round < 20; ++round) {
    const Job both = in({kPending});
    std::atomic<int> won{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        HomeDatabase home(folder_);
        won += JobStore(home).begin_attempt(both, "") > 0 ? 1 : 0;
      });
    threads.clear();
    EXPECT_EQ(1, won);
    EXPECT_EQ(1u, store_.attempts(both).size());
  }
}

TEST_F(JobStoreTest, AttemptsFollowEachOther) {
  Job job = in({kPending});
  EXPECT_EQ(1, store_.begin_attempt(job, "it is its turn"));
  job = store_.find(job.id);
  EXPECT_EQ(kActive, job.state);
  EXPECT_NE("", job.started_at);
  const ProcessIdentity self = identity_of(::getpid()).value();
  store_.name_worker(job, 1, self);
  EXPECT_EQ(self, store_.last_attempt(job).value().worker);
  EXPECT_TRUE(store_.end_attempt(job, {.attempt = 1, .outcome = "lost", .reason = "gone", .core_seconds = 2}));
  EXPECT_FALSE(store_.end_attempt(job, {.attempt = 1, .outcome = "lost"})) << "it has ended";
  EXPECT_EQ(2, store_.begin_attempt(job, "once more"));
  EXPECT_FALSE(store_.last_attempt(job).value().worker);
  EXPECT_TRUE(store_.end_attempt(
      job,
      {.attempt = 2, .outcome = "completed", .core_seconds = 3, .state = kCompleted, .results = R"(["models/a"])"}));
  job = store_.find(job.id);
  EXPECT_EQ(R"(["models/a"])", job.results);
  EXPECT_EQ(0, store_.begin_attempt(job, "")) << "it has ended";
  EXPECT_DOUBLE_EQ(5, store_.done_since(job_time(60)).at(0).core_seconds);
  EXPECT_TRUE(store_.done_since(job_time(-60)).empty());
}

TEST_F(JobStoreTest, AnEndingAndItsStateComeTogether) {
  Job job = in({kPending});
  store_.begin_attempt(job, "");
  job = store_.find(job.id);
  store_.cancel(job.id, "me");
  EXPECT_EQ(
      ErrorCode::kUnavailable,
      error_of([&] { store_.end_attempt(job, {.attempt = 1, .outcome = "completed", .state = kCompleted}); }).code);
  EXPECT_EQ("", store_.last_attempt(job).value().ended_at) << "neither of both";
  EXPECT_TRUE(store_.end_attempt(store_.find(job.id), {.attempt = 1, .outcome = "cancelled", .state = kCancelled}));
}

TEST_F(JobStoreTest, WhatHasEndedGoesWithItsFiles) {
  const Job job = in({kPending});
  fs::create_directories(store_.directory_of(job.id) / kResultsFolder);
  write_file(store_.directory_of(job.id) / kLogFile, "x");
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { store_.remove(job.id, "me"); }).code);
  store_.cancel(job.id, "me");
  store_.remove(job.id, "me");
  EXPECT_TRUE(fs::is_empty(store_.jobs_folder()));
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { store_.remove(job.id, "me"); }).code);
  const Job bare = in({kCancelled});
  store_.remove(bare.id, "me");
  for (const char* id : {"", "..", "../..", "' OR 1"})
    EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { store_.remove(id, "me"); }).code);
}

TEST_F(JobStoreTest, ListsAreFilteredAndPaged) {
  for (int i = 0; i < 5; ++i) store_.create(wanted("a" + std::to_string(i)));
  store_.create(wanted("b", "other"));
  store_.cancel(store_.list({.workspace = "team"}).jobs.at(0).id, "");
  const auto names = [&](const JobQuery& query) {
    std::vector<std::string> all;
    for (const Job& job : store_.list(query).jobs) all.push_back(job.name);
    return all;
  };
  EXPECT_THAT(names({}), ElementsAre("b", "a4", "a3", "a2", "a1", "a0"));
  EXPECT_THAT(names({.workspace = "team", .state = kCreated, .skip = 1, .limit = 2}), ElementsAre("a2", "a1"));
  EXPECT_THAT(names({.workspace = "team", .skip = 99}), ElementsAre());
  EXPECT_EQ(5, store_.list({.workspace = "team", .skip = 99}).total);
  EXPECT_THAT(names({.stage = "none"}), ElementsAre());
  EXPECT_THAT(names({.state = kCancelled}), ElementsAre("a4"));
}

// A home from before there were jobs.
TEST_F(JobStoreTest, AnOlderDatabaseGetsItsTables) {
  { Database(folder_ / "platform.db", migrations().first(1)); }
  EXPECT_EQ(0, store_.list({}).total);
  store_.create(wanted());
  EXPECT_EQ(1u, store_.unfinished().size());
  EXPECT_TRUE(fs::exists(folder_ / ("platform.db.before-v" + std::to_string(migrations().size()))));
}

}  // namespace
}  // namespace maru::platform
