#include "base/json.h"

#include <gmock/gmock.h>

namespace maru {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  const Result<Json> json = parse_json(text, "x", limits);
  return json.ok() ? "read as " + json.value().dump() : json.error().message;
}

std::string repeat(std::string_view unit, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(Json, ErrorsNameFileLineAndColumn) {
  const auto result = parse_json("{\n  \"a\": tru\n}", "x.json");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, StartsWith("x.json:2:"));
}

TEST(Json, RefusesHostileNesting) {
  EXPECT_FALSE(parse_json(repeat("[", 300) + repeat("]", 300), "x").ok());
  EXPECT_TRUE(parse_json(repeat("[", 200) + repeat("]", 200), "x").ok());
  EXPECT_EQ("x: nested more than 256 levels deep", error_of(repeat("[", 1 << 20)));
  EXPECT_EQ("x: nested more than 256 levels deep", error_of(repeat("{\"a\":[", 1 << 16)));
  EXPECT_TRUE(parse_json(repeat("[", 256) + "1" + repeat("]", 256), "x").ok());
  EXPECT_FALSE(parse_json(repeat("[", 257) + "1" + repeat("]", 257), "x").ok());
}

TEST(Json, ReadsWhatItAlwaysRead) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"b":1,"a":{"c":[],"d":{}}})", R"({"b":1,"a":{"c":[],"d":{}}})"},
      {R"({"a":1,"b":2,"a":[3]})", R"({"a":[3],"b":2})"},  // the last wins, where the first stood
      {R"({"a":{"x":1},"a":{"y":2}})", R"({"a":{"y":2}})"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551616", "1.8446744073709552e+19"},
      {"1e-400", "0.0"},
      {"-0.0", "-0.0"},
      {"\xEF\xBB\xBF[1]", "[1]"},
      {" \t\r\n[ ]\n", "[]"},
      {R"("\ud83d\ude00\u0000\/")", "\"😀\\u0000/\""},
      {"\"\"", "\"\""},
      {R"({"":{"":""}})", R"({"":{"":""}})"},
  };
  for (const auto& [text, written] : kCases) EXPECT_EQ(std::string("read as ") + written, error_of(text)) << text;
}

TEST(Json, SaysWhatWasExpected) {
  const std::pair<std::string, std::string> kCases[] = {
      {"{\"a\": NaN}",
       R"(x:1:7: syntax error while parsing value - invalid literal; expected a number; NaN is not JSON (null is); at "NaN}")"},
      {"[nan]", "expected a number; nan is not JSON"},
      {"[Infinity]", "expected a number; Infinity"},
      {"[-Infinity]", "expected a number; Infinity"},
      {"{\"a\": None}", "expected null; None is Python's"},
      {"[True]", "expected true in lower case"},
      {"[undefined]", "expected null; undefined"},
      {"{'a': 1}", "expected a string in double quotes"},
      {"// no\n{}", "JSON has no comments"},
      {"# no\n{}", "JSON has no comments"},
      {"{\"a\": 1e999}", "x:1:11: number overflow parsing '1e999'"},
      {"[1,]", "unexpected ']'; expected"},
      {"{\"a\": 1", "unexpected end of input"},
      {"", "x:1:1: syntax error while parsing value - unexpected end of input"},
      {"{} {}", "x:1:4: syntax error while parsing value - unexpected '{'; expected end of input"},
      {"[\"a\nb\"]", "control character U+000A (LF) must be escaped"},
      {"[\"\\ud800\"]", "surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF"},
      {"[\"\xC3(\"]", "ill-formed UTF-8 byte"},
      {std::string("\xFF\xFE{\0}\0", 6), "x: expected JSON in UTF-8, got UTF-16 (by its byte order mark)"},
      {std::string("\xFE\xFF\0{\0}", 6), "x: expected JSON in UTF-8, got UTF-16 (by its byte order mark)"},
      {std::string("{\0\"\0", 4), "expected JSON in UTF-8, got UTF-16"},
      {std::string("\0{\0\"", 4), "expected JSON in UTF-8, got UTF-16"},
      {std::string("{}\0{", 4), "x:1:3: expected JSON, got a zero byte"},
      {std::string("\0\0\0{", 4), "expected JSON in UTF-8, got UTF-32"},
      {std::string("[\"\0\"]", 5), "x:1:3: expected JSON, got a zero byte"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_THAT(error_of(text), HasSubstr(expected)) << text;
}

TEST(Json, NeverEchoesMoreThanALine) {
  const std::string big(1 << 20, 'a');
  const std::string kCases[] = {"[\"" + big,
                                "[" + big,
                                "[1" + repeat("1", 1 << 20) + "x]",
                                "[1e" + repeat("9", 1 << 20) + "]",
                                "[\"" + big + "\xFF",
                                "{\"" + big + "\" 1}",
                                "{\"" + big + "\":1,\"" + big + "\":1}",
                                "[\"" + repeat("\\u0001", 1 << 18) + "\x01",
                                "[\"" + repeat("한", 1 << 18) + "\xFF"};
  for (const std::string& text : kCases) {
    const std::string error = error_of(text, {.unique_keys = true});
    EXPECT_LT(error.size(), 400) << error;
    EXPECT_FALSE(error.starts_with("read as")) << error;
    EXPECT_NO_THROW((void)Json(error).dump()) << "cut inside a character";
  }
}

TEST(Json, LimitsAreNamed) {
  EXPECT_EQ("x: holds more than 3 values", error_of("[1,2,3]", {.max_values = 3}));
  EXPECT_EQ("read as [1,2]", error_of("[1,2]", {.max_values = 3}));
  EXPECT_EQ("x: holds more than 200000 values", error_of("[" + repeat("{},", 300000) + "{}]", kRequestJson));
  EXPECT_EQ("x: nested more than 2 levels deep", error_of("[[[]]]", {.max_depth = 2}));
  EXPECT_EQ("x: key \"a\" appears twice", error_of(R"({"b":{"a":1,"a":1}})", {.unique_keys = true}));
  EXPECT_EQ(R"(read as {"a":{"a":1},"b":{"a":2}})", error_of(R"({"a":{"a":1},"b":{"a":2}})", {.unique_keys = true}));
}

TEST(Json, BriefRendersOnlyWhatItShows) {
  EXPECT_EQ(R"({"a":[1,2.5,null,true,"x"],"b":{}})", brief(Json::parse(R"({"a":[1,2.5,null,true,"x"],"b":{}})")));
  EXPECT_EQ("\"" + std::string(76, 'a') + "… (7000000 bytes)", brief(Json(std::string(7'000'000, 'a'))));
  EXPECT_EQ("[1,2,3,… (5 entries)", brief(Json::parse("[1,2,3,4,5]"), 10));
  const std::string korean = brief(Json(repeat("가", 100)), 20);
  EXPECT_NO_THROW((void)Json(korean).dump()) << korean;
  EXPECT_EQ("\"\xEF\xBF\xBD\"", brief(Json("\xFF")));
}

}  // namespace
}  // namespace maru
