// Regular expressions as a whole answer: what they match, what is refused by name, what does no harm.
#include "text/grammar/regex_parser.h"

#include <gmock/gmock.h>

#include "base/request_failure.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

bool matches(std::string_view pattern, std::string_view text) { return reaches(compile_regex(pattern, ""), text); }

std::string refusal(std::string_view pattern) {
  try {
    (void)compile_regex(pattern, "guided_regex");
  } catch (const RequestFailure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
    EXPECT_EQ("guided_regex", failure.field());
    return failure.error().message;
  }
  return "";
}

TEST(RegexParser, MatchesTheWholeText) {
  const std::vector<std::tuple<const char*, std::vector<const char*>, std::vector<const char*>>> cases{
      {"a|bc", {"a", "bc"}, {"b", "abc", ""}},
      {"^(yes|no)$", {"yes", "no"}, {"yesno"}},
      {"[a-c]+\\d{2,3}?", {"abc12", "a123"}, {"a1", "12", "a1234"}},
      {"\\p{Hangul}+", {"가나다", "한"}, {"a", "漢"}},
      {"\\P{L}", {"1", "-"}, {"a", "가"}},
      {"[😀-🙏]", {"😀", "🙏", "🙂"}, {"a", "🚀"}},
      {"[^a-z]", {"가", "A", "\n"}, {"b", "AB"}},
      {".", {"a", "가", "😀"}, {"\n", "\r", "\xE2\x80\xA8", "\xE2\x80\xA9", ""}},
      {"\\u{1F600}|\\uD83D\\uDE42|\\u0041|\\x42|\\cJ", {"😀", "🙂", "A", "B", "\n"}, {"C"}},
      {"(?:a(?<x>b)(?P<y>c))*", {"", "abcabc"}, {"ab"}},
      {"a{2}b{0}c{,2}", {"aac{,2}"}, {"aacc", "ac"}},
      {"[]a-]|[\\]\\-]", {"]", "-"}, {"b", "a"}},
      {"\\s\\S\\w\\W\\D", {" a_-x", "\t가9 !"}, {"  a-x"}},
      {"\\.\\*\\/\\-", {".*/-"}, {"a*/-"}}};
  for (const auto& [pattern, good, bad] : cases) {
    for (const char* text : good) EXPECT_TRUE(matches(pattern, text)) << pattern << ": " << text;
    for (const char* text : bad) EXPECT_FALSE(matches(pattern, text)) << pattern << ": " << text;
  }
}

TEST(RegexParser, RefusesByName) {
  using testing::HasSubstr;
  for (const auto& [pattern, why] : std::vector<std::pair<std::string, std::string>>{
           {"(?=a)b", "lookaround"},     {"(?<!a)b", "lookaround"},   {"(a)\\1", "reference back"},
           {"\\bword", "\\b"},           {"(?i)a", "flag"},           {"\\k<x>", "reference back"},
           {"foo**", "side by side"},    {"a{2}{3}", "side by side"}, {"+a", "nothing stands before"},
           {"(a", "expected )"},         {"a)", "nothing is open"},   {"[a", "ends too early"},
           {"[z-a]", "out of order"},    {"a{3,2}", "out of order"},  {"\\p{Klingon}", "no property"},
           {"\\uD800", "surrogate"},     {"\\q", "is no escape"},     {"^*", "cannot be repeated"},
           {"[\\d-z]", "a range"},       {"\\01", "octal"},           {"[[:alpha:]]", "POSIX"},
           {"[]", "nothing matches"},    {"a\\", "ends too early"},   {std::string("\xFF"), "UTF-8"},
           {"(?P=x)", "reference back"}, {"\\p{]}", "no property"}})
    EXPECT_THAT(refusal(pattern), HasSubstr(why)) << pattern;
  EXPECT_THAT(refusal("abc**"), HasSubstr("character 5"));
}

TEST(RegexParser, HarmsNobody) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal(std::string(10'000, '(')), HasSubstr("deep"));
  EXPECT_THAT(refusal("(a*)*{1000}{1000}"), HasSubstr("side by side"));
  EXPECT_THAT(refusal("(((a{1000}){1000}){1000}){1000}"), HasSubstr("too large"));
  EXPECT_THAT(refusal("(a|b)*a(a|b){200}"), HasSubstr("too large"));
  EXPECT_THAT(refusal(std::string(2 << 20, 'a')), HasSubstr("1 MiB"));
  EXPECT_THAT(refusal("(.*a){3000}"), HasSubstr("too large"));
  EXPECT_EQ("", refusal("((((a*)*)*)*){999}"));
  EXPECT_EQ("", refusal("[\\x00-\\u2e7f]+"));
}

}  // namespace
}  // namespace maru::text
