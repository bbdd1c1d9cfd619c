#include "platform/repeated.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace maru::platform {
namespace {

TEST(Repeated, IsDoneUntilItGoes) {
  std::atomic<int> times = 0;
  {
    const Repeated repeated(
        std::chrono::milliseconds(1), [&] { ++times; }, {}, "it");
    while (times < 3) std::this_thread::yield();
  }
  const int last = times;
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(last, times);
}

TEST(Repeated, TroubleIsSaidOnceAndTriedAgain) {
  std::atomic<int> times = 0;
  std::vector<std::string> told;
  {
    const Repeated repeated(
        std::chrono::milliseconds(1),
        [&] {
          const int time = ++times;
          if (time < 4 || time == 6) throw std::runtime_error("full");
        },
        [&](const std::string& message) { told.push_back(message); }, "it");
    while (times < 8) std::this_thread::yield();
  }
  EXPECT_EQ((std::vector<std::string>{"it: full", "it: full"}), told) << "and once more after it had gone well";
}

TEST(Repeated, ALongPeriodEndsAtOnce) {
  const auto begin = std::chrono::steady_clock::now();
  {
    const Repeated repeated(
        std::chrono::hours(1), [] {}, {}, "it");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

}  // namespace
}  // namespace maru::platform
