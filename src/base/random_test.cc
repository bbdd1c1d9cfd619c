#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace maru {
namespace {

TEST(Random, StateRestores) {
  Random a(42);
  for (int i = 0; i < 10; ++i) a.next();
  Random b(a.state());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Random, NormalHasTheRightMoments) {
  Random r(1);
  double sum = 0, squares = 0, fourth = 0;
  constexpr int kDraws = 200000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = r.normal();
    sum += x, squares += x * x, fourth += x * x * x * x;
  }
  EXPECT_NEAR(0, sum / kDraws, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(1, squares / kDraws, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(3, fourth / kDraws, 5 * std::sqrt(96.0 / kDraws));
}

TEST(Random, BelowIsUniform) {
  Random r(3);
  std::array<int, 7> count{};
  for (int i = 0; i < 70000; ++i) ++count[r.below(7)];
  for (int c : count) EXPECT_NEAR(10000, c, 5 * std::sqrt(10000.0));
}

}  // namespace
}  // namespace maru
