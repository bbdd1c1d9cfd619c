#include "eval/interval.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace maru::eval {
namespace {

// Newcombe 1998, "Two-sided confidence intervals for the single proportion", Table I, method 3 (to four places).
TEST(Wilson, PublishedValues) {
  const struct {
    int64_t successes, trials;
    double low, high;
  } cases[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0.0000, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (const auto& one : cases) {
    const Interval interval = wilson_interval(one.successes, one.trials);
    EXPECT_NEAR(interval.low, one.low, 5e-5) << one.successes << "/" << one.trials;
    EXPECT_NEAR(interval.high, one.high, 5e-5) << one.successes << "/" << one.trials;
  }
}

TEST(Wilson, IsSymmetricAndStaysInside) {
  const Interval few = wilson_interval(3, 10), many = wilson_interval(7, 10);
  EXPECT_NEAR(few.low, 1 - many.high, 1e-12);
  EXPECT_EQ(wilson_interval(0, 5).low, 0);
  EXPECT_EQ(wilson_interval(5, 5).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(Wilson, ImpossibleCountsAreRefused) {
  EXPECT_THROW(wilson_interval(6, 5), Failure);
  EXPECT_THROW(wilson_interval(-1, 5), Failure);
}

}  // namespace
}  // namespace maru::eval
