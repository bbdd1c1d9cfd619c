#include "ledger/timestamp.h"

#include <gtest/gtest.h>

namespace maru::ledger {
namespace {

TEST(Timestamp, GoesThereAndBack) {
  for (const char* text : {"1970-01-01T00:00:00+00:00", "2027-01-31T09:00:00+09:00", "2024-02-29T23:59:59-03:30",
                           "1969-12-31T16:00:00-08:00", "9999-12-31T23:59:59+14:00"}) {
    Result<Timestamp> time = parse_timestamp(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(text, time->text());
  }
  EXPECT_EQ(0, parse_timestamp("1970-01-01T09:00:00+09:00")->seconds);
  EXPECT_EQ(0, parse_timestamp("1969-12-31T16:00:00-08:00")->seconds);
  EXPECT_EQ(Timestamp::now().text().size(), std::string("2027-01-31T09:00:00+09:00").size());
}

TEST(Timestamp, HasOneSpelling) {
  for (const char* text : {"", "2027-01-31", "2027-01-31T09:00:00Z", "2027-01-31 09:00:00+09:00",
                           "2027-02-29T09:00:00+09:00", "2027-13-01T09:00:00+09:00", "2027-01-31T24:00:00+09:00",
                           "2027-01-31T09:60:00+09:00", "2027-01-31T09:00:60+09:00", "2027-01-31T09:00:00+24:00",
                           "2027-01-31T09:00:00+09:60", "2027-01-31T09:00:00-00:00", "2027-01-31T09:00:00+0900",
                           "2027-01-31t09:00:00+09:00", "2027-01-31T09:00:00.5+09:00", "2027-01-31T0９:00:00+09:00"})
    EXPECT_FALSE(parse_timestamp(text).ok()) << text;
}

}  // namespace
}  // namespace maru::ledger
