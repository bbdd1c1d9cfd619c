#include "optim/schedule.h"

#include <gtest/gtest.h>

namespace maru {
namespace {

TEST(Schedule, WarmsUpLinearly) {
  const ScheduleConfig c{.warmup_steps = 9};
  EXPECT_DOUBLE_EQ(0.1, schedule_factor(c, 0, 100));
  EXPECT_DOUBLE_EQ(0.9, schedule_factor(c, 8, 100));
  EXPECT_DOUBLE_EQ(1.0, schedule_factor(c, 9, 100));
}

TEST(Schedule, CosineEndsAtTheFinalRatio) {
  const ScheduleConfig c{.warmup_steps = 0, .final_ratio = 0.1};
  EXPECT_DOUBLE_EQ(1.0, schedule_factor(c, 0, 100));
  EXPECT_NEAR(0.55, schedule_factor(c, 50, 101), 1e-12);
  EXPECT_NEAR(0.1, schedule_factor(c, 100, 101), 1e-12);
}

TEST(Schedule, WsdIsFlatThenFallsAsOneMinusSquareRoot) {
  const ScheduleConfig c{.name = "wsd", .warmup_steps = 0, .final_ratio = 0, .decay_fraction = 0.2};
  EXPECT_DOUBLE_EQ(1.0, schedule_factor(c, 79, 101));
  EXPECT_NEAR(0.5, schedule_factor(c, 85, 101), 1e-12);
  EXPECT_NEAR(0.0, schedule_factor(c, 100, 101), 1e-12);
}

// Steps are few where a run is a trial or a budget is short: also there the last one has the learning rate asked for.
TEST(Schedule, TheLastStepOfAnyRunHasTheFinalRatio) {
  for (const char* name : {"cosine", "wsd"})
    for (const double fraction : {0.001, 0.2, 1.0})
      for (const int64_t warmup : {int64_t{-1}, int64_t{0}, int64_t{3}})
        for (int64_t steps = 2; steps < 300; ++steps) {
          const ScheduleConfig c{.name = name, .warmup_steps = warmup, .final_ratio = 0.1, .decay_fraction = fraction};
          if (warmup >= steps) continue;
          ASSERT_NEAR(0.1, schedule_factor(c, steps - 1, steps), 1e-12) << name << ", " << steps << " steps";
        }
}

TEST(Schedule, WithoutADecayItStaysAtThePeak) {
  const ScheduleConfig c{.name = "wsd", .warmup_steps = 0, .final_ratio = 0.1, .decay_fraction = 0};
  for (int64_t step = 0; step < 10; ++step) EXPECT_DOUBLE_EQ(1.0, schedule_factor(c, step, 10));
}

TEST(Schedule, NeverIncreasesAfterTheWarmUp) {
  for (const char* name : {"cosine", "wsd", "constant"}) {
    const ScheduleConfig c{.name = name};
    for (int64_t step = 4; step < 150; ++step)
      EXPECT_LE(schedule_factor(c, step, 150), schedule_factor(c, step - 1, 150));
  }
}

}  // namespace
}  // namespace maru
