#include "platform/utc_time.h"

#include <gtest/gtest.h>

namespace maru::platform {
namespace {

TEST(UtcTime, Reads) {
  EXPECT_EQ(0, parse_utc("1970-01-01T00:00:00Z").value().time_since_epoch().count());
  EXPECT_EQ(1'000'000'000, parse_utc("2001-09-09T01:46:40Z").value().time_since_epoch().count());
  EXPECT_EQ(1'835'481'599, parse_utc("2028-02-29T23:59:59Z").value().time_since_epoch().count());
  EXPECT_EQ(parse_utc("2027-01-31T00:00:00Z").value(), parse_utc("2027-01-31").value());
}

TEST(UtcTime, MillisecondsAreThreeDigits) {
  const auto second = std::chrono::system_clock::time_point(parse_utc("2027-01-31T10:20:30Z").value());
  EXPECT_EQ("2027-01-31T10:20:30.000Z", utc_milliseconds(second));
  EXPECT_EQ("2027-01-31T10:20:30.007Z", utc_milliseconds(second + std::chrono::microseconds(7999)));
  EXPECT_EQ("2027-01-31T10:20:29.999Z", utc_milliseconds(second - std::chrono::milliseconds(1)));
}

TEST(UtcTime, RefusesWhatIsNoMoment) {
  for (const char* text :
       {"", "2027", "2027-13-01", "2027-02-29", "2027-00-10", "2027-01-00", "2027-01-31T24:00:00Z",
        "2027-01-31T00:60:00Z", "2027-01-31T00:00:60Z", "2027-01-31T00:00:00", "2027-01-31T00:00:00+09:00",
        "2027-01-31 00:00:00Z", " 2027-01-31", "2027-1-31", "20270-01-31", "+027-01-31", "2027-01-31T00:00:00z"})
    EXPECT_FALSE(parse_utc(text).ok()) << text;
}

}  // namespace
}  // namespace maru::platform
