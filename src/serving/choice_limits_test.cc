#include "serving/choice_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limit_failure.h"

namespace maru::serving {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class ChoiceLimitsTest : public testing::Test {
 protected:
  static Caller caller(const std::string& key, int64_t parallel = 0) {
    return {.principal = {.tenant = "t", .key = key, .limits = {.parallel_choices = parallel}}, .clients = {key}};
  }
  double refused(const Caller& who, int64_t choices) {
    try {
      limits_.take(who, choices);
      return 0;
    } catch (const LimitFailure& failure) {
      message_ = failure.what();
      return failure.retry_seconds();
    }
  }
  ChoiceLimits::Clock::time_point now_{std::chrono::hours(7)};
  ChoiceLimits limits_{{.places = 16, .per_client = 4}, nullptr, [this] { return now_; }};
  std::string message_;
};

TEST_F(ChoiceLimitsTest, AKeyMayHaveItsOwnLimit) {
  const auto few = limits_.take(caller("key few", 2), 2);
  EXPECT_GT(refused(caller("key few", 2), 1), 0);
  EXPECT_THAT(message_, HasSubstr("your key has 2 choices that run or wait; 1 more would be over 2 (parallel_choices"));
  const auto many = limits_.take(caller("key many", 9), 9);
  EXPECT_GT(refused(caller("key many", 9), 1), 0);
  const auto usual = limits_.take(caller("key usual"), 1);
  EXPECT_THROW(limits_.take(caller("key few", 2), 3), Failure);
  Caller far = caller("key far", 9);
  far.clients.push_back("address 10.0.0.1");
  const auto from_far = limits_.take(far, 1);
  EXPECT_NO_THROW(limits_.reserve(far, 1'000'000)) << "nobody counts tokens here";
}

TEST_F(ChoiceLimitsTest, WhatEachKeyHasIsKnownByItsName) {
  Caller a = caller("key a"), nobody;
  a.clients.push_back("address 10.0.0.1");
  nobody.clients = {"address 10.0.0.2"};
  const auto first = limits_.take(a, 2), without = limits_.take(nobody, 1);
  {
    const auto second = limits_.take(caller("key b"), 1), third = limits_.take(a, 1);
    EXPECT_EQ((std::map<std::string, int64_t>{{"a", 3}, {"b", 1}}), limits_.choices_by_key());
  }
  EXPECT_EQ((std::map<std::string, int64_t>{{"a", 2}, {"b", 0}}), limits_.choices_by_key());
}

TEST_F(ChoiceLimitsTest, HowLongIsToldByWhatRuns) {
  auto first = limits_.take(caller("key a"), 4);
  EXPECT_EQ(1, refused(caller("key a"), 1)) << "nothing is known yet";
  now_ += seconds(20);
  EXPECT_DOUBLE_EQ(5, refused(caller("key a"), 1)) << "four places, each held for 20 s at least";
  EXPECT_THAT(message_, HasSubstr("in some 5 s"));
  first->set_working();
  now_ += seconds(20);
  first.reset();
  first = limits_.take(caller("key a"), 4);
  EXPECT_DOUBLE_EQ(10, refused(caller("key a"), 1)) << "they lasted 40 s";
  EXPECT_DOUBLE_EQ(20, refused(caller("key a"), 2));
}

TEST_F(ChoiceLimitsTest, WhatWasRefusedTellsNothing) {
  auto first = limits_.take(caller("key a"), 4);
  first->set_working();
  now_ += seconds(80);
  first.reset();
  for (int i = 0; i < 100; ++i) limits_.take(caller("key b"), 1).reset();
  const auto again = limits_.take(caller("key a"), 4);
  EXPECT_DOUBLE_EQ(20, refused(caller("key a"), 1));
  const auto own = limits_.take(caller("key b"), 1);
  try {
    limits_.refuse_full(1);
  } catch (const LimitFailure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("4 choices run or wait of at most 16 of a model"));
    EXPECT_DOUBLE_EQ(20, failure.retry_seconds());
  }
}

}  // namespace
}  // namespace maru::serving
