// Masks, tokens, what must come next, and what ambiguity costs.
#include "text/grammar/grammar_matcher.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

GrammarMatcher matcher_of(const std::shared_ptr<const Grammar>& grammar) {
  return {grammar, test_tokens(), {end_token()}};
}
std::vector<uint32_t> mask_of(GrammarMatcher& matcher) {
  std::vector<uint32_t> mask(test_tokens().mask_words(), ~0u);
  matcher.fill_mask(mask);
  return mask;
}

/// Masks are what accept() says of each token, all along random answers.
void expect_exact_masks(const std::shared_ptr<const Grammar>& grammar, uint64_t seed, int steps) {
  Random random(seed);
  GrammarMatcher matcher = matcher_of(grammar);
  for (int step = 0; step < steps; ++step) {
    const auto mask = mask_of(matcher);
    std::vector<int32_t> allowed;
    for (int32_t token = 0; token < test_tokens().num_ids(); ++token) {
      GrammarMatcher copy = matcher;
      ASSERT_EQ(copy.accept(token), has_bit(mask, token)) << "token " << token << ", step " << step;
      if (has_bit(mask, token) && token != end_token()) allowed.push_back(token);
    }
    ASSERT_TRUE(!allowed.empty() || matcher.may_end()) << "a dead end";
    ASSERT_EQ(allowed.empty(), matcher.is_over());
    ASSERT_EQ(matcher.may_end(), has_bit(mask, end_token()));
    if (allowed.empty())
      matcher = matcher_of(grammar);
    else
      (void)matcher.accept(allowed[random.below(allowed.size())]);
  }
}

TEST(GrammarMatcher, MasksAreWhatIsAccepted) {
  const std::vector<std::string> schemas{
      R"({"type":"object","properties":{"a":{"type":"integer"},"abc":{"type":"string","maxLength":3}},"required":["abc"]})",
      R"({"type":"string","minLength":2,"maxLength":5})",
      R"({"type":"array","items":{"type":"number"},"minItems":2})",
      R"({"type":"array","prefixItems":[{"type":"boolean"},{"enum":["a","ab","abc",null]}],"items":{"type":"string"}})",
      R"({"anyOf":[{"type":"object","properties":{"a":{"$ref":"#"}},"additionalProperties":false,"required":["a"]},
                   {"type":"string","pattern":"^(가|나다|a\"b)+$"},{"type":"integer","minimum":5,"maximum":1234}]})",
      R"({"type":"string","minLength":1,"maxLength":2,"pattern":"[a가]"})",
      R"({})"};
  for (size_t i = 0; i < schemas.size(); ++i) expect_exact_masks(schema_grammar(schemas[i]), i, 120);
  expect_exact_masks(compile_regex("(ab|a)*(\\p{L}|[0-9]){1,4}x?", ""), 1, 60);
  expect_exact_masks(compile_gbnf("root ::= e\ne ::= e \"+\" e | \"a\" | \"(\" e \")\" | [0-9]+", ""), 2, 80);
  expect_exact_masks(compile_json_object(), 3, 120);
}

TEST(GrammarMatcher, EndsWithAnEndToken) {
  GrammarMatcher matcher = matcher_of(compile_regex("ab+", ""));
  EXPECT_FALSE(matcher.accept(end_token()));
  EXPECT_TRUE(matcher.accept_text("ab"));
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.is_over());
  EXPECT_FALSE(matcher.accept('c'));
  EXPECT_TRUE(matcher.accept('b')) << "a refused token changes nothing";
  EXPECT_TRUE(matcher.accept(end_token()));
  EXPECT_TRUE(matcher.is_over());
  EXPECT_FALSE(matcher.accept('b'));
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.accept(-1) || matcher.accept(1'000'000) || matcher.accept(tool_token()));
}

TEST(GrammarMatcher, CopiesGoTheirOwnWay) {
  GrammarMatcher matcher = matcher_of(schema_grammar(R"({"type":"array","items":{"type":"integer"}})"));
  ASSERT_TRUE(matcher.accept_text("[1"));
  GrammarMatcher draft = matcher;
  ASSERT_TRUE(draft.accept_text(",2]"));
  EXPECT_TRUE(draft.is_over());
  EXPECT_FALSE(matcher.may_end());
  EXPECT_TRUE(matcher.accept_text("]"));
}

TEST(GrammarMatcher, ForcedTextIsWhatMustFollow) {
  const Json schema = Json::parse(R"({"type":"object","properties":{"name":{"const":"가"},"n":{"type":"integer"}},
                                      "required":["name","n"],"additionalProperties":false})");
  const auto grammar = compile_json_schema(JsonNode(schema, "schema"), {.compact = true});
  GrammarMatcher matcher = matcher_of(grammar);
  EXPECT_EQ(R"({"name":"가","n":)", matcher.forced());
  ASSERT_TRUE(matcher.accept_text(matcher.forced() + "1"));
  EXPECT_EQ("", matcher.forced());
  GrammarMatcher full = matcher_of(schema_grammar(R"({"type":"string","maxLength":1})"));
  ASSERT_TRUE(full.accept_text("\"a"));
  EXPECT_EQ("\"", full.forced()) << "no more characters fit";
  GrammarMatcher any = matcher_of(compile_regex("a*", ""));
  EXPECT_EQ("", any.forced()) << "it may end";
}

TEST(GrammarMatcher, CharactersMayComeInPieces) {
  GrammarMatcher matcher = matcher_of(compile_regex("[가-나]", ""));
  EXPECT_TRUE(matcher.accept(0xEA));
  EXPECT_FALSE(matcher.may_end());
  EXPECT_FALSE(matcher.accept(0x41));
  EXPECT_TRUE(matcher.accept(0xB0));
  EXPECT_TRUE(matcher.accept(0x80));
  EXPECT_TRUE(matcher.is_over());
}

TEST(GrammarMatcher, AmbiguityCostsNoMoreThanTheGrammar) {
  // 2^n ways to have opened n brackets; rules that begin or end with themselves.
  GrammarMatcher brackets = matcher_of(compile_gbnf("root ::= \"(\" root \"a\" | \"(\" root \"b\" | \"x\"", ""));
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(brackets.accept('('));
  ASSERT_TRUE(brackets.accept('x'));
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(brackets.accept(i % 2 == 0 ? 'a' : 'b'));
  EXPECT_TRUE(brackets.is_over());
  for (const char* source : {"root ::= root \"a\" | \"a\"", "root ::= \"a\" root | \"a\"",
                             "root ::= x | y\nx ::= y\ny ::= \"a\" x | \"a\"", "root ::= root root | \"a\""}) {
    GrammarMatcher matcher = matcher_of(compile_gbnf(source, ""));
    const int length = std::string_view(source).find("root root") == std::string_view::npos ? 5000 : 25;
    for (int i = 0; i < length; ++i) ASSERT_TRUE(matcher.accept('a')) << source << i;
    EXPECT_TRUE(matcher.may_end()) << source;
  }
}

TEST(GrammarMatcher, TooMuchAtOnceIsAnErrorNotAStandstill) {
  GrammarMatcher matcher =
      matcher_of(compile_gbnf("root ::= x{0,1000000000} \"!\"\nx ::= root root | \"a\" | \"a\" x", ""));
  try {
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(matcher.accept('a'));
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kExhausted, failure.code());
  }
}

TEST(TokenTrie, KnowsItsTokens) {
  const TokenTrie tokens({{0, "a"}, {2, "a"}, {3, ""}, {5, std::string(5000, 'x')}}, {{7, "<end>"}});
  EXPECT_EQ(8, tokens.num_ids());
  EXPECT_EQ("a", tokens.bytes_of(2));
  EXPECT_EQ("", tokens.bytes_of(1));
  EXPECT_EQ("", tokens.bytes_of(5)) << "too long to be allowed";
  EXPECT_EQ("", tokens.bytes_of(7));
  EXPECT_EQ("<end>", tokens.spelling_of_special(7));
  GrammarMatcher matcher(compile_regex("a|x+", ""), tokens, {7});
  std::vector<uint32_t> mask(tokens.mask_words());
  matcher.fill_mask(mask);
  EXPECT_EQ(0b101u, mask[0]);
}

}  // namespace
}  // namespace maru::text
