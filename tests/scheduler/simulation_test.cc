#include "scheduler/simulation.h"

#include <gtest/gtest.h>

namespace maru::infer {
namespace {

// In parts, so that they run beside each other. More steps: tests/run_scheduler.
class SchedulerSimulationTest : public testing::TestWithParam<uint64_t> {};

TEST_P(SchedulerSimulationTest, KeepsEveryPromise) {
  int64_t preemptions = 0, reused = 0, accepted = 0, compared = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    SCOPED_TRACE(seed);
    SchedulerSimulation simulation(seed);
    ASSERT_NO_THROW(simulation.run(10'000));
    preemptions += simulation.preemptions();
    reused += simulation.reused_tokens();
    accepted += simulation.accepted_drafts();
    compared += simulation.compared_tenants();
  }
  for (const int64_t count : {preemptions, reused, accepted, compared})
    EXPECT_GT(count, 1000) << "the load does not reach everything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerSimulationTest, testing::Range<uint64_t>(0, 100, 10));

}  // namespace
}  // namespace maru::infer
