#include "platform/token_bucket.h"

#include <gtest/gtest.h>

namespace maru::platform {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const RateClock::time_point kStart{std::chrono::hours(1000)};

TEST(TokenBucket, RefillsAllTheTime) {
  TokenBucket bucket;
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(0, bucket.seconds_until(1, 60, kStart)) << i;
    bucket.charge(1);
  }
  EXPECT_DOUBLE_EQ(1, bucket.seconds_until(1, 60, kStart));
  EXPECT_DOUBLE_EQ(0.5, bucket.seconds_until(1, 60, kStart + milliseconds(500)));
  EXPECT_EQ(0, bucket.seconds_until(1, 60, kStart + seconds(1)));
  EXPECT_DOUBLE_EQ(30, bucket.taken(60, kStart + seconds(30)));
  EXPECT_EQ(0, bucket.taken(60, kStart + seconds(60)));
}

TEST(TokenBucket, AClockThatJumpsGivesNothingAway) {
  TokenBucket bucket;
  bucket.charge(0);
  EXPECT_EQ(0, bucket.taken(60, kStart));
  bucket.charge(60);
  EXPECT_EQ(60, bucket.taken(60, kStart - hours(999)));
  EXPECT_EQ(60, bucket.taken(60, kStart)) << "the hours that it went back are not counted twice";
  EXPECT_DOUBLE_EQ(59, bucket.taken(60, kStart + seconds(1)));
  EXPECT_EQ(0, bucket.taken(60, kStart + hours(1'000'000)));
  EXPECT_EQ(0, bucket.seconds_until(60, 60, kStart + hours(1'000'000))) << "a minute's worth, not a century's";
  bucket.charge(60);
  EXPECT_GT(bucket.seconds_until(1, 60, kStart + hours(1'000'000)), 0);
}

TEST(TokenBucket, ALimitMayChange) {
  TokenBucket bucket;
  bucket.taken(60, kStart);
  bucket.charge(60);
  EXPECT_EQ(0, bucket.seconds_until(60, 120, kStart)) << "raised";
  EXPECT_DOUBLE_EQ(60 * 51.0 / 10, bucket.seconds_until(1, 10, kStart)) << "lowered: what was taken is owed";
}

TEST(TokenBucket, MoreThanAMinutesWorthWaitsForAFullBucket) {
  TokenBucket bucket;
  bucket.taken(100, kStart);
  EXPECT_EQ(0, bucket.seconds_until(1'000'000, 100, kStart));
  bucket.charge(1);
  EXPECT_GT(bucket.seconds_until(1'000'000, 100, kStart), 0);
  bucket.charge(-5);
  EXPECT_EQ(0, bucket.taken(100, kStart)) << "no credit beyond full";
}

}  // namespace
}  // namespace maru::platform
