#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace maru {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(threads, pool.size());
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> hits(37);
      pool.parallel_for(37, [&](int64_t task, int worker) {
        ASSERT_LT(worker, threads);
        ++hits[task];
      });
      for (const auto& h : hits) ASSERT_EQ(1, h.load());
    }
  }
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.parallel_for(10,
                                 [](int64_t task, int) {
                                   if (task == 7) throw std::runtime_error("x");
                                 }),
               std::runtime_error);
  std::atomic<int> count{0};
  pool.parallel_for(10, [&](int64_t, int) { ++count; });
  EXPECT_EQ(10, count);
}

}  // namespace
}  // namespace maru
