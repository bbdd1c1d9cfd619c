#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>
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

std::atomic<bool> held{false}, released{false};

void hold(int) {
  held = true;
  while (!released) ::usleep(1000);
}

// What a busy machine does to a thread, a signal does here: it gets no time.
TEST(ThreadPool, DoesNotWaitForAWorkerThatTakesNoTask) {
  ThreadPool pool(2);
  std::atomic<pthread_t> worker{};
  std::atomic<int> met{0};
  pool.parallel_for(2, [&](int64_t, int w) {  // both threads take one
    if (w == 1) worker = ::pthread_self();
    for (++met; met < 2;) std::this_thread::yield();
  });
  held = released = false;
  const auto before = std::signal(SIGUSR1, hold);
  ASSERT_EQ(0, ::pthread_kill(worker, SIGUSR1));
  while (!held) std::this_thread::yield();
  std::atomic<int> count{0};
  for (int round = 0; round < 100; ++round) pool.parallel_for(10, [&](int64_t, int) { ++count; });
  EXPECT_FALSE(released);
  EXPECT_EQ(1000, count);
  released = true;
  pool.parallel_for(10, [&](int64_t, int) { ++count; });
  EXPECT_EQ(1010, count);
  std::signal(SIGUSR1, before);
}

// Jobs that follow each other at every distance, so that workers are met spinning, falling asleep and asleep.
TEST(ThreadPool, WakesSleepersAtAnyMoment) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  int64_t expected = 0;
  for (int64_t round = 0; round < 400; ++round) {
    if (round % 3 == 0) ::usleep(static_cast<useconds_t>(round % 7 * 40));
    pool.parallel_for(1 + round % 9, [&](int64_t task, int) { sum += task + round; });
    for (int64_t task = 0; task < 1 + round % 9; ++task) expected += task + round;
    ASSERT_EQ(expected, sum);
  }
}

}  // namespace
}  // namespace maru
