#include "base/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace maru {
namespace {

TEST(Turns, OneAtATime) {
  Turns turns;
  int inside = 0, most = 0, count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        std::lock_guard turn(turns);
        most = std::max(most, ++inside);
        ++count;
        --inside;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(1, most);
  EXPECT_EQ(4000, count);
}

// Whoever comes back at once waits behind those who wait already.
TEST(Turns, ComeInTheOrderOfAsking) {
  Turns turns;
  std::atomic<int> greedy{0};
  std::atomic<bool> stop{false}, began{false};
  std::thread other([&] {
    while (!stop) {
      std::lock_guard turn(turns);
      ++greedy;
      began = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  while (!began) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {
    const int before = greedy;
    std::lock_guard turn(turns);
    EXPECT_LE(greedy - before, 2) << "it had the turn, and perhaps one that it asked for before";
  }
  stop = true;
  other.join();
}

}  // namespace
}  // namespace maru
