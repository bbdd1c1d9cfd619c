#include "base/canonical_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "base/json.h"

namespace maru {
namespace {

std::string canonical(std::string_view text) { return canonical_json(parse_json(text, "test").value()); }

// RFC 8785, §3.2.2 and §3.2.3.
TEST(CanonicalJson, IsThatOfRfc8785) {
  EXPECT_EQ(
      R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],)"
      R"("string":"€$\u000f\nA'B\"\\\\\"/"})",
      canonical(R"({"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                    "literals": [null, true, false]})"));
  EXPECT_EQ(
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\x7f\",\"\u00f6\":\"Latin Small Letter O "
      "With Diaeresis\",\"\u20ac\":\"Euro Sign\",\"\U0001f600\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter "
      "Dalet With Dagesh\"}",
      canonical(R"({"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
                          "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control\u007f",
                          "\u00f6": "Latin Small Letter O With Diaeresis"})"));
}

// RFC 8785, appendix B.
TEST(CanonicalJson, NumbersAreThoseOfEcmaScript) {
  const std::pair<uint64_t, const char*> cases[]{
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : cases) EXPECT_EQ(text, canonical_json(std::bit_cast<double>(bits)));
}

TEST(CanonicalJson, IsTheSameHoweverItWasWritten) {
  EXPECT_EQ(canonical(R"({"a":1,"b":[{},[],0.5]})"), canonical(" { \"b\" : [ { } , [ ] , 5e-1 ] , \"a\" : 1.0 } "));
  EXPECT_EQ("1", canonical("1.0"));
  EXPECT_EQ("\"한글\"", canonical(R"("\ud55c\uae00")"));
  EXPECT_EQ("{}", canonical("{}"));
}

TEST(CanonicalJson, WhatProgramsReadDifferentlyHasNone) {
  EXPECT_EQ("9007199254740991", canonical("9007199254740991"));
  EXPECT_EQ("-9007199254740991", canonical("-9007199254740991"));
  EXPECT_THROW(canonical("9007199254740992"), Failure);
  EXPECT_THROW(canonical("-9007199254740992"), Failure);
  EXPECT_THROW(canonical("18446744073709551615"), Failure);
  EXPECT_THROW(canonical_json(std::numeric_limits<double>::quiet_NaN()), Failure);
  EXPECT_THROW(canonical_json(std::numeric_limits<double>::infinity()), Failure);
  EXPECT_THROW(canonical_json({{"a", "\xff"}}), Failure);
  EXPECT_THROW(canonical_json({{"\xed\xa0\x80", 1}}), Failure);
}

}  // namespace
}  // namespace maru
