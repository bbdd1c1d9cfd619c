#include "api/jobs/follow.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"

namespace maru::api::jobs {
namespace {

using std::chrono::milliseconds;

template <class F>
bool soon(F f) {
  for (int i = 0; i < 2000 && !f(); ++i) std::this_thread::sleep_for(milliseconds(2));
  return f();
}

TEST(Follow, WhatIsNewIsSentAndThenTheEnd) {
  std::atomic<int> looks{0}, wakes{0};
  Followers followers(milliseconds(1));
  const auto stream = followers.follow(
      [&](std::string& to) {
        const int n = ++looks;
        if (n % 3 == 0) to += std::to_string(n);
        return n < 9;
      },
      [&] { ++wakes; });
  std::string all;
  bool more = true;
  EXPECT_TRUE(soon([&] { return !(more = more && stream->take(all)); }));
  EXPECT_EQ("369", all);
  EXPECT_EQ(3, wakes);
  EXPECT_FALSE(stream->take(all));
}

TEST(Follow, ASlowReaderIsNotOverrun) {
  std::atomic<int> looks{0};
  Followers followers(milliseconds(1));
  const auto stream = followers.follow([&](std::string& to) { return to += "x", ++looks > 0; }, [] {});
  EXPECT_TRUE(soon([&] { return looks == 1; }));
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(1, looks) << "nobody has taken the first";
  std::string got;
  stream->take(got);
  EXPECT_TRUE(soon([&] { return looks == 2; }));
}

TEST(Follow, NobodyIsWokenWhoHasGone) {
  std::atomic<int> looks{0}, woken{0};
  Followers followers(milliseconds(1));
  for (int i = 0; i < 50; ++i) {
    std::atomic<bool> gone{false};
    auto stream = followers.follow([&](std::string& to) { return to += "x", ++looks > 0; },
                                   [&] {
                                     EXPECT_FALSE(gone);
                                     ++woken;
                                   });
    std::this_thread::sleep_for(milliseconds(i % 3));
    stream.reset();
    gone = true;
    std::this_thread::sleep_for(milliseconds(4));  // so that what it points to outlives a look
  }
  EXPECT_GT(woken, 0);
}

TEST(Follow, StreamsEndWithTheirSourceAndWithTheServer) {
  auto followers = std::make_unique<Followers>(milliseconds(1));
  const auto fails =
      followers->follow([](std::string&) -> bool { throw Failure(ErrorCode::kNotFound, "gone"); }, [] {});
  std::string got;
  EXPECT_TRUE(soon([&] { return !fails->take(got); }));
  std::atomic<bool> woken{false};
  const auto endless = followers->follow([](std::string&) { return true; }, [&] { woken = true; });
  followers.reset();
  EXPECT_TRUE(woken);
  EXPECT_FALSE(endless->take(got));
}

}  // namespace
}  // namespace maru::api::jobs
