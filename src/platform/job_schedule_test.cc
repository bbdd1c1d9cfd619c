#include "platform/job_schedule.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/random.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kGiB = int64_t{1} << 30;
const JobCapacity kFour{.cores = 4, .memory_bytes = 8 * kGiB, .heavy = 1};

ScheduledJob light(int64_t number, const std::string& workspace, int64_t cores = 1, const std::string& project = "") {
  return {number, workspace, project, {.cores = cores, .memory_bytes = kGiB}};
}
ScheduledJob heavy(int64_t number, const std::string& workspace, int64_t cores = 1) {
  return {number, workspace, "", {.cores = cores, .memory_bytes = kGiB, .heavy = true}};
}

TEST(JobSchedules, FirstComesFirstWithinAProject) {
  JobSchedule schedule;
  const SchedulePlan plan = schedule.plan({}, {light(3, "a"), light(1, "a"), light(2, "a", 3)}, kFour);
  EXPECT_THAT(plan.start, ElementsAre(1, 2));
  EXPECT_THAT(plan.waits.at(3), HasSubstr("waits for 1 of the 4 cores that jobs may have; 4 are in use"));
}

TEST(JobSchedules, WorkspacesTakeTurnsHoweverManyJobsOneHas) {
  JobSchedule schedule;
  const SchedulePlan plan =
      schedule.plan({}, {light(1, "a"), light(2, "a"), light(3, "a"), light(4, "b"), light(5, "c")}, kFour);
  EXPECT_THAT(plan.start, ElementsAre(1, 4, 5, 2));
}

TEST(JobSchedules, ProjectsOfAWorkspaceTakeTurnsToo) {
  JobSchedule schedule;
  const SchedulePlan plan = schedule.plan(
      {}, {light(1, "a", 1, "x"), light(2, "a", 1, "x"), light(3, "a", 1, "x"), light(4, "a", 1, "y")}, kFour);
  EXPECT_THAT(plan.start, ElementsAre(1, 4, 2, 3));
}

TEST(JobSchedules, AHeavyJobAtATimeAndLightOnesBesideIt) {
  JobSchedule schedule;
  const SchedulePlan plan = schedule.plan({heavy(1, "a")}, {heavy(2, "b"), light(3, "b"), light(4, "a")}, kFour);
  EXPECT_THAT(plan.start, ElementsAre(3, 4));
  EXPECT_THAT(plan.waits.at(2), HasSubstr("1 heavy job at a time"));
}

TEST(JobSchedules, ALargeJobIsNotPassedForEver) {
  JobSchedule schedule;
  SchedulePlan plan = schedule.plan({light(1, "a"), light(2, "a")}, {light(3, "b", 4), light(4, "a")}, kFour);
  EXPECT_THAT(plan.start, ElementsAre());
  EXPECT_THAT(plan.waits.at(3), HasSubstr("4 of the 4 cores"));
  EXPECT_THAT(plan.waits.at(4), HasSubstr("its turn"));
  plan = schedule.plan({}, {light(3, "b", 4), light(4, "a")}, kFour);
  EXPECT_THAT(plan.start, ElementsAre(3));
}

TEST(JobSchedules, MemoryCountsAndWhatIsTooLargeRunsAlone) {
  JobSchedule schedule;
  ScheduledJob large = light(2, "b");
  large.demand.memory_bytes = 20 * kGiB;
  EXPECT_THAT(schedule.plan({light(1, "a")}, {large}, kFour).waits.at(2), HasSubstr("20.0 GiB of the 8.0 GiB"));
  EXPECT_THAT(schedule.plan({}, {large}, kFour).start, ElementsAre(2));
  ScheduledJob all = light(3, "a", 0);
  EXPECT_THAT(schedule.plan({}, {all}, kFour).start, ElementsAre(3));
  EXPECT_THAT(schedule.plan({all}, {light(4, "b")}, kFour).start, ElementsAre()) << "no cores said: all of them";
  EXPECT_THAT(schedule.plan({}, {light(5, "a", 99)}, kFour).start, ElementsAre(5)) << "more than there are: all";
}

TEST(JobSchedules, WhoStayedAwayHasSavedNothingUp) {
  JobSchedule schedule;
  schedule.plan({}, {light(1, "a")}, kFour);
  schedule.charge("a", "", 1e6);
  const JobCapacity one{.cores = 1, .memory_bytes = 8 * kGiB};
  // b comes for the first time: it begins beside a, and does not get a million seconds before a is next.
  EXPECT_THAT(schedule.plan({}, {light(2, "a"), light(3, "b")}, one).start, ElementsAre(2));
  schedule.charge("a", "", 10);
  EXPECT_THAT(schedule.plan({}, {light(4, "a"), light(3, "b"), light(5, "b")}, one).start, ElementsAre(3));
  schedule.charge("b", "", 20);
  EXPECT_THAT(schedule.plan({}, {light(4, "a"), light(5, "b")}, one).start, ElementsAre(4));
}

// Random jobs of workspaces that always have some waiting, on random machines: no two get shares further apart than
// the largest jobs, no job waits for ever, and the capacity holds.
TEST(JobSchedules, SharesStayTogetherUnderRandomLoad) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    const JobCapacity capacity{
        .cores = 2 + static_cast<int64_t>(random.below(6)), .memory_bytes = 64 * kGiB, .heavy = 1};
    const std::vector<std::string> names{"a", "b", "c"};
    struct Run {
      ScheduledJob job;
      int64_t ends;
    };
    JobSchedule schedule;
    std::map<std::string, double> given;
    std::vector<ScheduledJob> waiting;
    std::vector<Run> running;
    int64_t number = 0, longest_wait = 0;
    std::map<int64_t, int64_t> came;
    for (int64_t now = 0; now < 8'000; ++now) {
      for (const std::string& name : names)
        while (std::ranges::count(waiting, name, &ScheduledJob::workspace) < (name == "a" ? 20 : 2)) {
          ScheduledJob job = light(++number, name, 1 + static_cast<int64_t>(random.below(capacity.cores)));
          job.demand.heavy = random.below(3) == 0;
          came[number] = now;
          waiting.push_back(job);
        }
      std::erase_if(running, [&](const Run& run) { return run.ends <= now; });
      std::vector<ScheduledJob> now_running;
      for (const Run& run : running) now_running.push_back(run.job);
      for (const int64_t start : schedule.plan(now_running, waiting, capacity).start) {
        const auto job = std::ranges::find(waiting, start, &ScheduledJob::number);
        running.push_back({*job, now + 10 + static_cast<int64_t>(random.below(90))});
        if (job->workspace != "a") longest_wait = std::max(longest_wait, now - came[start]);
        waiting.erase(job);
      }
      int64_t cores = 0, heavies = 0;
      for (const Run& run : running) {
        cores += run.job.demand.cores, heavies += run.job.demand.heavy ? 1 : 0;
        schedule.charge(run.job.workspace, "", static_cast<double>(run.job.demand.cores));
        given[run.job.workspace] += static_cast<double>(run.job.demand.cores);
      }
      ASSERT_LE(cores, capacity.cores);
      ASSERT_LE(heavies, capacity.heavy);
    }
    const auto [least, most] = std::ranges::minmax({given["a"], given["b"], given["c"]});
    EXPECT_LT(most - least, 0.05 * most) << "seed " << seed;
    EXPECT_LT(longest_wait, 2000) << "seed " << seed;
  }
}

}  // namespace
}  // namespace maru::platform
