#include "text/chat/answer/json_scanner.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace maru::text {
namespace {

struct Scanned {
  JsonScanner::Step step = JsonScanner::Step::kMore;
  std::string text;
  size_t taken = 0;
};

Scanned scan(std::string_view text) {
  JsonScanner scanner;
  Scanned scanned;
  while (scanned.taken < text.size() && scanned.step == JsonScanner::Step::kMore)
    scanned.step = scanner.feed(text[scanned.taken++], scanned.text);
  return scanned;
}

TEST(JsonScanner, FindsTheEndOfWhatAParserTakes) {
  for (const std::string text : {R"({})", R"([])", R"({"a": [1, -2.5e+3, true, false, null, "x"], "b": {"c": {}}})",
                                 R"("a\"b\\\u00e9\n")", R"([[[]], {"": ""}])", R"([0, 0.5, 1E9])"}) {
    const Scanned scanned = scan(text + " rest");
    EXPECT_EQ(JsonScanner::Step::kDone, scanned.step) << text;
    EXPECT_EQ(text, scanned.text);
    EXPECT_TRUE(parse_json(text, "t").ok());
  }
  const Scanned number = scan("12,");
  EXPECT_EQ(JsonScanner::Step::kDoneBefore, number.step);
  EXPECT_EQ("12", number.text);
}

TEST(JsonScanner, NamesTheFirstByteThatCannotBe) {
  for (const std::string text : {"{a",    "{\"a\" 1", "{\"a\": }", "{\"a\": 1,}", "[1,]", "[,",           "[1 2",
                                 "{]",    "[}",       "]",         "tru ",        "01 ",  "1. ",          "-,",
                                 "\"\\x", "\"\\u12g", "{1",        "1e,",         "+1 ",  "{\"a\": yes,", "{\"a\"}"}) {
    const Scanned scanned = scan(text);
    EXPECT_EQ(JsonScanner::Step::kBad, scanned.step) << text;
    EXPECT_EQ(text.size(), scanned.taken) << text;
  }
  EXPECT_EQ(JsonScanner::Step::kBad, scan(std::string(300, '[')).step) << "deeper than readers go";
}

TEST(JsonScanner, EscapesControlCharactersInStrings) {
  const Scanned scanned = scan("{\"a\": \"x\ny\t\x01\"}");
  EXPECT_EQ("{\"a\": \"x\\ny\\t\\u0001\"}", scanned.text);
  EXPECT_TRUE(parse_json(scanned.text, "t").ok());
}

TEST(JsonScanner, HoldsBackWhatMayGoOn) {
  JsonScanner scanner;
  std::string text;
  for (const char c : std::string("[12")) scanner.feed(c, text);
  EXPECT_EQ("[", text);
  EXPECT_EQ("12", scanner.held());
}

}  // namespace
}  // namespace maru::text
