// Numbers that are not finite, wherever they stand.
#include "kernels/reduce/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace maru::kernels {
namespace {

class NotFinite : public ::testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, NotFinite, ::testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(NotFinite, IsSeenAnywhere) {
  constexpr int64_t kCount = 40000;
  ThreadPool pool(2);
  CpuStream stream{&pool, GetParam()};
  std::vector<float> x(kCount, 1e38f);
  std::vector<double> partial(static_cast<size_t>(reduce_partials(stream, kCount)));
  double result = 0;
  const Reduce<float> a{.result = &result, .partial = partial.data(), .x = x.data(), .count = kCount};
  sum_of_squares(stream, a);
  EXPECT_TRUE(std::isfinite(result));
  max_abs(stream, a);
  EXPECT_EQ(result, static_cast<double>(1e38f));
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()})
    for (size_t at : {0, 17, 16384, 39999}) {
      std::swap(x[at], bad);
      sum_of_squares(stream, a);
      EXPECT_FALSE(std::isfinite(result)) << x[at] << " at " << at;
      max_abs(stream, a);
      EXPECT_TRUE(std::isnan(result)) << x[at] << " at " << at;
      std::swap(x[at], bad);
    }
}

}  // namespace
}  // namespace maru::kernels
