// Grammars as text: what they describe, what is refused, what does no harm.
#include <gmock/gmock.h>

#include "base/request_failure.h"
#include "text/grammar/gbnf_parser.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

bool takes(std::string_view source, std::string_view text) { return reaches(compile_gbnf(source, ""), text); }

std::string refusal(const std::string& source) {
  try {
    (void)compile_gbnf(source, "guided_grammar");
  } catch (const RequestFailure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
    EXPECT_EQ("guided_grammar", failure.field());
    return failure.error().message;
  }
  return "";
}

constexpr std::string_view kArithmetic = R"gbnf(
# sums of products, over lines as one likes
root  ::= expr "=" ws term "\n"
expr  ::= term ([-+*/] term)*
term  ::= ident | num
        | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
)gbnf";
constexpr std::string_view kJson = R"gbnf(
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
)gbnf";

TEST(Gbnf, DescribesTexts) {
  EXPECT_TRUE(takes(kArithmetic, "(a +3 )*x1= 42\n"));
  EXPECT_FALSE(takes(kArithmetic, "(a +3= 42\n"));
  EXPECT_TRUE(takes(kJson, R"({"a": [1, -2.5e3, {"가": "\u0041\n"}], "b": null})"));
  EXPECT_FALSE(takes(kJson, R"({"a": [1, -2.5e3})"));
  EXPECT_FALSE(takes(kJson, R"([])"));
  for (const auto& [source, good, bad] :
       std::vector<std::tuple<const char*, std::vector<const char*>, std::vector<const char*>>>{
           {"root ::= [😀-🙏]+ | \"\\U0001F680\"", {"😀🙏", "🚀"}, {"x", ""}},
           {"root ::= a{2,3} b?\na ::= 'x'\nb ::= \"y\" b?", {"xx", "xxxyyy"}, {"x", "xxxx", "y"}},
           {"root ::= \"a\" | ", {"a", ""}, {"b"}},
           {"root::=x-1 x_2\nx-1::=\"a\"#c\nx_2::=[^\\]a-c\\-]", {"ad", "a가"}, {"a]", "a-", "ab"}},
           {"root ::= (\"a\" | root \"b\"){2}", {"aa", "aaab", "aaba", "aabaab"}, {"a", "b", "aab"}},
           {"root ::= \"SELECT \" col \" from \" tab\ncol ::= \"col_1 \" | \"col_2 \"\ntab ::= \"t\" | \"u\"",
            {"SELECT col_1  from t"},
            {"SELECT from t"}},
           {"root ::= \"(\" root \")\" | \"[\" root \"]\" | \"a\" | \"b\" | \"<\" root \">\" | [0-9]+",
            {"a", "([<12>])", "b"},
            {"(a]", "ab", "(", "()"}},
           {"root ::= (\"\")* \"a\"", {"a"}, {"", "aa"}}}) {
    for (const char* text : good) EXPECT_TRUE(takes(source, text)) << source << ": " << text;
    for (const char* text : bad) EXPECT_FALSE(takes(source, text)) << source << ": " << text;
  }
}

TEST(Gbnf, RefusesWithTheLine) {
  using testing::HasSubstr;
  for (const auto& [source, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "\"root\""},
           {"a ::= \"x\"", "\"root\""},
           {"root ::= \"x\"\n\nroot ::= \"y\"", "line 3: the rule \"root\" is defined twice"},
           {"root ::= \"a\"\n  x y", "line 2: the rule \"x\" is not defined"},
           {"root ::= \"a", "not closed"},
           {"root ::= [a", "not closed"},
           {"root ::= (\"a\"", "expected )"},
           {"root ::= \"a\")", "nothing is open"},
           {"?start: expr\n", "Lark"},
           {"%import common.NUMBER", "Lark"},
           {"start: \"a\"", "Lark"},
           {"root ::= (=\"a\") \"b\"", "lookahead"},
           {"root ::= <think>", "tokens"},
           {"root ::= \"a\"{3,2}", "out of order"},
           {"root ::= [z-a]", "out of order"},
           {"root ::= \"\\q\"", "no escape"},
           {"root ::= \"\\uD800\"", "no character"},
           {"root ::= root", "no text fulfils"},
           {"root ::= \"a\" root", "no text fulfils"},
           {"{\"type\":\"object\"}", "expected a rule"},
           {"root ::= \"\xFF\"", "UTF-8"},
           {"root ::= *", "expected a text"}})
    EXPECT_THAT(refusal(source), HasSubstr(why)) << source;
}

TEST(Gbnf, HarmsNobody) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("root ::= " + std::string(60'000, '(')), HasSubstr("deep"));
  EXPECT_THAT(refusal("root ::= \"a\"" + std::string(60'000, '*')), HasSubstr("repetitions"));
  std::string chain = "root ::= r0\n", doubling = "root ::= r0\n";
  for (int i = 0; i < 5000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  EXPECT_TRUE(takes(chain + "r5000 ::= \"a\"", "a"));
  for (int i = 0; i < 60; ++i) {
    const std::string next = " r" + std::to_string(i + 1);
    doubling += "r" + std::to_string(i) + " ::=" + next + next + "\n";
  }
  EXPECT_TRUE(reaches(compile_gbnf(doubling + "r60 ::= \"a\"?", ""), "aaaa"));
  EXPECT_TRUE(takes("root ::= ((\"a\"*)*){1000}", "aaaa"));
  EXPECT_TRUE(takes("root ::= [a-z]{2,1000000000}", "abc"));
  EXPECT_FALSE(takes("root ::= [a-z]{2,1000000000}", "a"));
}

TEST(Gbnf, KeepsWhatWasSaid) {
  const grammar::Gbnf parsed = grammar::parse_gbnf("root ::= \"a\"{2,5} x\nx ::= [b]");
  const auto& root = parsed.nodes[parsed.rules[parsed.root]];
  ASSERT_EQ(2u, root.parts.size());
  EXPECT_EQ(5u, parsed.nodes[root.parts[0]].max);
  EXPECT_EQ(3u, root.depth);
}

}  // namespace
}  // namespace maru::text
