#include "tensor/arena.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tensor/cpu_device.h"
#include "tensor/tensor.h"

namespace maru {
namespace {

ThreadPool pool(1);
CpuDevice device(&pool);

struct Allocation {
  size_t offset, bytes;
};

// A random sequence of allocations and releases; every live pair must be disjoint.
void exercise(Arena& arena, uint64_t seed) {
  Random random(seed);
  std::vector<Allocation> live;
  for (int i = 0; i < 2000; ++i) {
    if (live.size() < 40 && random.below(2) == 0) {
      const size_t bytes = 1 + random.below(5000);
      const Allocation a{arena.allocate(bytes), bytes};
      for (const Allocation& b : live) ASSERT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      live.push_back(a);
    } else if (!live.empty()) {
      std::swap(live[random.below(live.size())], live.back());
      arena.release(live.back().offset, live.back().bytes);
      live.pop_back();
    }
  }
  for (const Allocation& a : live) arena.release(a.offset, a.bytes);
}

TEST(Arena, DryRunFindsTheExactPeakAndTheSameAddresses) {
  Arena dry = Arena::dry_run();
  exercise(dry, 5);
  Arena real(device, dry.peak());
  exercise(real, 5);
  EXPECT_EQ(dry.peak(), real.peak());
  EXPECT_EQ(dry.trace(), real.trace());
}

TEST(Arena, MergesWhatIsReleased) {
  Arena arena(device, 1 << 18);
  exercise(arena, 6);
  EXPECT_EQ(0u, arena.allocate(1 << 18)) << "everything was released, so the whole must fit again";
}

TEST(Arena, RefusesMoreThanItHas) {
  Arena arena(device, 1024);
  try {
    arena.allocate(1025);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kExhausted, e.code());
  }
}

TEST(Tensor, ReturnsItsMemoryWithTheLastCopy) {
  Arena arena(device, 4096);
  Tensor copy;
  {
    Tensor t(arena, {16, 64}, Dtype::kF32);
    copy = t;
    EXPECT_TRUE(copy.shared());
  }
  EXPECT_FALSE(copy.shared());
  EXPECT_THROW(arena.allocate(64), Failure);
  copy = {};
  EXPECT_EQ(0u, arena.allocate(4096));
}

}  // namespace
}  // namespace maru
