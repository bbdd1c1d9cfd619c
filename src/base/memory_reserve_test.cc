#include "base/memory_reserve.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "base/json.h"

namespace maru {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

/// This process may take so much more from now on.
void limit_memory(size_t more) {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + more;
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
}

/// Lists in lists until there is no memory; taking them down again takes some.
bool runs_out() {
  try {
    Json list = Json::array();
    for (;;) {
      Json one = Json::array();
      for (int i = 0; i < 100; ++i) one.push_back(Json::array({"a text that is allocated on its own", i}));
      list.push_back(std::move(one));
    }
  } catch (const std::bad_alloc&) {
    return true;
  }
}

/// Ends with 0 when memory ran out for three threads at once, twice, and was there again each time.
void run_out_twice(size_t reserve) {
  limit_memory(128 * kMiB);
  keep_memory_reserve(reserve);
  bool good = true;
  for (int i = 0; i < 2; ++i) {
    std::vector<std::thread> others;
    std::atomic<int> failed{0};
    for (int t = 0; t < 3; ++t) others.emplace_back([&] { failed += runs_out() ? 1 : 0; });
    for (std::thread& other : others) other.join();
    good = good && failed == 3 && refill_memory_reserve();
  }
  std::_Exit(good ? 0 : 1);
}

/// The first who finds nothing gets the reserve; then it is gone until there is memory.
void use_it_up() {
  limit_memory(64 * kMiB);
  keep_memory_reserve(16 * kMiB);
  std::vector<std::unique_ptr<char[]>> taken;
  try {
    for (;;) taken.push_back(std::make_unique<char[]>(kMiB));
  } catch (const std::bad_alloc&) {
  }
  const bool refused = !refill_memory_reserve();
  const size_t most = taken.size();
  taken.clear();
  std::_Exit(refused && refill_memory_reserve() && most > 50 ? 0 : 1);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsMemory = false;  // sanitizers take terabytes of addresses
#else
constexpr bool kLimitsMemory = true;
#endif

TEST(MemoryReserveDeathTest, WhatFailsForWantOfMemoryIsUndone) {
  if (!kLimitsMemory) GTEST_SKIP() << "the address space cannot be limited here";
  EXPECT_EXIT(run_out_twice(16 * kMiB), testing::ExitedWithCode(0), "");
}

TEST(MemoryReserveDeathTest, IsGivenUpOnceAndTakenAgain) {
  if (!kLimitsMemory) GTEST_SKIP() << "the address space cannot be limited here";
  EXPECT_EXIT(use_it_up(), testing::ExitedWithCode(0), "");
}

TEST(MemoryReserve, WithoutOneNothingIsRefused) { EXPECT_TRUE(refill_memory_reserve()); }

}  // namespace
}  // namespace maru
