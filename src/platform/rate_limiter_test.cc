#include "platform/rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/limit_failure.h"

namespace maru::platform {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class RateLimiterTest : public testing::Test {
 protected:
  static Principal key(const std::string& name, int64_t requests, int64_t tokens) {
    return {.tenant = "t",
            .key = "key " + name,
            .scopes = {"*"},
            .limits = {.requests_per_minute = requests, .tokens_per_minute = tokens}};
  }
  /// How long the refusal says to wait; 0: none.
  template <class F>
  double refused(F run) {
    try {
      run();
      return 0;
    } catch (const LimitFailure& failure) {
      message_ = failure.what();
      return failure.retry_seconds();
    }
  }
  int64_t tokens_left(const Principal& principal) { return limiter_.states_of(principal).tokens->remaining; }
  RateClock::time_point now_{std::chrono::hours(5)};
  RateLimiter limiter_{[this] { return now_; }};
  std::string message_;
};

TEST_F(RateLimiterTest, ExactlySoManyRequests) {
  const Principal two = key("two", 2, 0);
  limiter_.take_request(two);
  limiter_.take_request(two);
  EXPECT_DOUBLE_EQ(30, refused([&] { limiter_.take_request(two); }));
  EXPECT_EQ(
      "your key may use 2 requests per minute (requests_per_minute): 2 of them are used and this request is worth 1; "
      "try again in 30 s",
      message_);
  limiter_.take_request(key("other", 2, 0));
  now_ += seconds(30);
  limiter_.take_request(two);
  EXPECT_GT(refused([&] { limiter_.take_request(two); }), 0);
  for (int i = 0; i < 100; ++i) limiter_.take_request(key("free", 0, 0));
}

// The one must not reset or slow the other, and either may be alone.
TEST_F(RateLimiterTest, RequestsAndTokensAreTwoLimits) {
  const Principal both = key("both", 60, 600), tokens = key("tokens", 0, 600);
  limiter_.reserve_tokens(both, 600)->set_used(600);
  for (int i = 0; i < 60; ++i) limiter_.take_request(both);
  now_ += seconds(30);
  for (int i = 0; i < 30; ++i) limiter_.take_request(both);
  EXPECT_EQ(300, tokens_left(both));
  now_ += seconds(30);
  EXPECT_EQ(600, tokens_left(both)) << "a minute after, all of it";
  limiter_.take_request(tokens);
  EXPECT_FALSE(limiter_.states_of(tokens).requests);
  EXPECT_FALSE(limiter_.states_of(key("free", 0, 0)).tokens);
}

TEST_F(RateLimiterTest, WhatWasNotGeneratedComesBack) {
  const Principal lab = key("lab", 0, 1000);
  auto first = limiter_.reserve_tokens(lab, 800);
  EXPECT_EQ(200, tokens_left(lab));
  EXPECT_DOUBLE_EQ(6, refused([&] { limiter_.reserve_tokens(lab, 300); }));
  EXPECT_THAT(message_, HasSubstr("1000 tokens per minute (tokens_per_minute): 800 of them are used"));
  first->set_used(100);
  first.reset();
  EXPECT_EQ(900, tokens_left(lab));
  limiter_.reserve_tokens(lab, 900).reset();
  EXPECT_EQ(900, tokens_left(lab)) << "what failed at once costs nothing";
}

TEST_F(RateLimiterTest, ARequestBeyondTheLimitRunsAloneAndIsOwed) {
  const Principal lab = key("lab", 0, 100);
  auto large = limiter_.reserve_tokens(lab, 5000);
  EXPECT_GT(refused([&] { limiter_.reserve_tokens(lab, 1); }), 0);
  large->set_used(400);
  large.reset();
  EXPECT_EQ(0, tokens_left(lab));
  EXPECT_NEAR(180 + 0.6, refused([&] { limiter_.reserve_tokens(lab, 1); }), 1e-6);
  now_ += seconds(240);
  limiter_.reserve_tokens(lab, 5000);
}

TEST_F(RateLimiterTest, ManyAtOnceDoNotPassTogether) {
  const Principal lab = key("lab", 0, 1000);
  std::vector<std::unique_ptr<RateLimiter::Reservation>> held(64);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < held.size(); i += 4) try {
          held[i] = limiter_.reserve_tokens(lab, 100);
        } catch (const LimitFailure&) {
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(10, std::count_if(held.begin(), held.end(), [](const auto& one) { return one != nullptr; }));
}

TEST_F(RateLimiterTest, MemoryIsOfThoseWhoWereActive) {
  std::vector<std::unique_ptr<RateLimiter::Reservation>> open;
  for (int i = 0; i < 10'000; ++i) {
    const Principal one = key(std::to_string(i), 10, 100);
    limiter_.take_request(one);
    open.push_back(limiter_.reserve_tokens(one, 50));
  }
  EXPECT_EQ(10'000u, limiter_.size());
  open.clear();
  now_ += seconds(120);
  for (int i = 0; i < 20'000; ++i) {
    now_ += seconds(60);
    limiter_.take_request(key("new" + std::to_string(i), 10, 100));
  }
  EXPECT_LT(limiter_.size(), 200u);
}

TEST_F(RateLimiterTest, AnOpenReservationIsNotForgotten) {
  const Principal lab = key("lab", 0, 100);
  auto open = limiter_.reserve_tokens(lab, 100);
  now_ += seconds(3600);
  for (int i = 0; i < 1000; ++i) limiter_.take_request(key(std::to_string(i), 1, 0));
  open->set_used(500);
  open.reset();
  EXPECT_EQ(0, tokens_left(lab));
}

}  // namespace
}  // namespace maru::platform
