#include "kernels/ceiling/ceiling.h"

#include <gtest/gtest.h>

#include <vector>

namespace maru::kernels {
namespace {

// No processor does less than one scalar operation per nanosecond, or more than 2 · 16 · 2 · 4 per cycle and core at
// 6 GHz, of tiles 2 · 16 · 32: an optimised-away loop or a wrong count would leave this range.
TEST(Ceiling, FlopsArePossible) {
  ThreadPool pool(2);
  for (Isa isa : supported_isas()) {
    CpuStream stream{&pool, isa};
    for (double rate : {measure_flops<float>(stream), measure_flops<bfloat16>(stream), measure_int8_ops(stream)}) {
      EXPECT_GT(rate, 0.02e9) << name_of(isa);  // a busy machine under a sanitizer
      EXPECT_LT(rate, 2 * (isa == Isa::kAmx ? 1024 : 256) * 6e9) << name_of(isa);
    }
  }
}

TEST(Ceiling, WiderInstructionsDoMore) {
  if (best_isa() == Isa::kScalar) GTEST_SKIP() << "this machine has scalar instructions only";
  ThreadPool pool(1);
  CpuStream scalar{&pool, Isa::kScalar}, best{&pool, best_isa()};
  EXPECT_GT(measure_flops<float>(best), 2 * measure_flops<float>(scalar));
}

TEST(Ceiling, BandwidthIsPossible) {
  ThreadPool pool(2);
  const std::vector<std::byte> data((size_t{8} << 20) + 5);
  for (Isa isa : supported_isas()) {
    CpuStream stream{&pool, isa};
    const double rate = measure_read_bandwidth(stream, data.data(), static_cast<int64_t>(data.size()));
    EXPECT_GT(rate, 0.2e9) << name_of(isa);
    EXPECT_LT(rate, 2e12) << name_of(isa);
  }
}

}  // namespace
}  // namespace maru::kernels
