#include "ops/step_memory.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/thread_pool.h"
#include "tensor/cpu_device.h"
#include "tensor/host_buffer.h"

namespace maru {
namespace {

class StepMemoryTest : public testing::Test {
 protected:
  // Two tensors of `rows` at once, the second filled where there is memory.
  static void compute(Context& ctx, int64_t rows) {
    const Tensor a = ctx.empty({rows, 16}, Dtype::kF32), b = ctx.empty({rows, 16}, Dtype::kF32);
    if (ctx.arena.dry()) return;
    for (int64_t i = 0; i < rows * 16; ++i) b.data<float>()[i] = 1;
  }
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
};

TEST_F(StepMemoryTest, TakesWhatIsNeededAndKeepsIt) {
  StepMemory memory(device_);
  EXPECT_EQ(0u, memory.capacity());
  int dry = 0, real = 0;
  memory.run([&](Context& ctx) {
    ++(ctx.arena.dry() ? dry : real);
    compute(ctx, 1000);
  });
  EXPECT_EQ(1, dry);
  EXPECT_EQ(1, real);
  const size_t first = memory.capacity();
  EXPECT_GE(first, 2u * 1000 * 64);
  EXPECT_LE(first, 3u * 1000 * 64) << "not a size of its own choosing";
  memory.run([](Context& ctx) { compute(ctx, 10); });
  EXPECT_EQ(first, memory.capacity());
  memory.run([](Context& ctx) { compute(ctx, 5000); });
  EXPECT_GE(memory.capacity(), 2u * 5000 * 64);
}

TEST_F(StepMemoryTest, BorrowsAnArenaThatIsLargeEnough) {
  Arena lent(device_, 1 << 20);
  StepMemory memory(device_, lent);
  memory.run([&](Context& ctx) {
    compute(ctx, 1000);
    EXPECT_TRUE(ctx.arena.dry() || &ctx.arena == &lent);
  });
  memory.run([&](Context& ctx) {
    compute(ctx, 20000);
    EXPECT_NE(&ctx.arena, &lent);
  });
}

TEST_F(StepMemoryTest, MoreThanTheMachineHasIsRefusedWithBothSizes) {
  StepMemory memory(device_);
  bool computed = false;
  try {
    memory.run([&](Context& ctx) {
      computed |= !ctx.arena.dry();
      const Tensor huge = ctx.empty({1 << 20, 1 << 20}, Dtype::kF32);
    });
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kExhausted, failure.error().code);
    EXPECT_NE(std::string(failure.what()).find("4194304 MiB"), std::string::npos) << failure.what();
    EXPECT_NE(std::string(failure.what()).find(std::to_string(machine_bytes() >> 20)), std::string::npos);
  }
  EXPECT_FALSE(computed);
}

}  // namespace
}  // namespace maru
