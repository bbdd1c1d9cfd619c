#include "train/budget.h"

#include <gmock/gmock.h>

namespace maru::train {
namespace {

using testing::HasSubstr;

// Steps of `seconds_of(step)` seconds each; at which step it is said, or 0.
template <class F>
int64_t said_at(double minutes, int64_t steps, F seconds_of, std::string* message = nullptr) {
  Budget budget(minutes, steps);
  double spent = 0;
  int64_t said = 0, times = 0;
  for (int64_t step = 1; step <= steps; ++step) {
    const double last = seconds_of(step);
    spent += last;
    if (const auto text = budget.late(step, spent, last)) {
      said = step, ++times;
      if (message != nullptr) *message = *text;
    }
  }
  EXPECT_LE(times, 1);
  return said;
}

TEST(BudgetTest, SaysOnceWhenTheMachineIsSlowerThanPlanned) {
  std::string message;
  EXPECT_EQ(18, said_at(
                    10, 300, [](int64_t) { return 3.5; }, &message))
      << "after a minute";
  EXPECT_THAT(message, HasSubstr("the 300 steps planned for 10 m 00 s will take about 16 m"));
  EXPECT_THAT(message, HasSubstr("--minutes"));
}

TEST(BudgetTest, SaysItWhenTheMachineGetsBusyLater) {
  const int64_t step = said_at(10, 300, [](int64_t s) { return s < 100 ? 1.9 : 5.0; });
  EXPECT_GT(step, 100);
  EXPECT_LT(step, 115);
}

TEST(BudgetTest, SaysNothingWithoutReason) {
  EXPECT_EQ(0, said_at(10, 300, [](int64_t) { return 1.9; })) << "as planned";
  EXPECT_EQ(0, said_at(10, 300, [](int64_t) { return 2.4; })) << "a fifth over";
  EXPECT_EQ(0, said_at(10, 300, [](int64_t s) { return s == 50 ? 20.0 : 1.9; })) << "one slow step";
  EXPECT_EQ(0, said_at(10, 300, [](int64_t s) { return s == 1 ? 15.0 : 1.9; })) << "a slow first step";
  EXPECT_EQ(0, said_at(10, 300, [](int64_t s) { return s > 290 ? 6.0 : 1.9; })) << "slow at the very end";
  EXPECT_EQ(0, said_at(0, 300, [](int64_t) { return 100.0; })) << "no budget";
  EXPECT_EQ(0, said_at(10, 1, [](int64_t) { return 900.0; })) << "it is over";
}

}  // namespace
}  // namespace maru::train
