// Free text with tags in it, choices, and JSON objects.
#include <gmock/gmock.h>

#include "base/request_failure.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

class StructuralTagTest : public testing::Test {
 protected:
  StructuralTag tags(std::vector<std::string> triggers = {"<f="}) {
    StructuralTag made;
    made.triggers = std::move(triggers);
    made.tags.push_back({"<f=a>", JsonNode(integer_, "a"), "</f>"});
    made.tags.push_back({"<f=b>", JsonNode(object_, "b"), "</f>"});
    return made;
  }
  static bool takes(const StructuralTag& tag, std::string_view text) {
    return accepts(compile_structural_tag(tag, ""), text);
  }
  const Json integer_ = Json::parse(R"({"type":"integer"})");
  const Json object_ = Json::parse(
      R"({"type":"object","properties":{"x":{"type":"boolean"}},"required":["x"],"additionalProperties":false})");
};

TEST_F(StructuralTagTest, TextIsFreeUntilATrigger) {
  for (const char* text :
       {"", "가 <f a <", "<f=a>12</f>", "so <f=a>1</f> and <f=b>{\"x\": true}</f>.", "<f=a>1</f><f=a>2</f>", "</f>"})
    EXPECT_TRUE(takes(tags(), text)) << text;
  for (const char* text : {"<f=", "<f=c>", "<f=a>x</f>", "<f=a>1", "<f=a>1</g>", "\xFF"})
    EXPECT_FALSE(takes(tags(), text)) << text;
}

TEST_F(StructuralTagTest, CountsTags) {
  StructuralTag once = tags();
  once.stop_after_first = true;
  EXPECT_TRUE(takes(once, "x<f=a>1</f>"));
  EXPECT_TRUE(takes(once, "x"));
  EXPECT_FALSE(takes(once, "<f=a>1</f>x"));
  EXPECT_FALSE(takes(once, "<f=a>1</f><f=a>2</f>"));
  StructuralTag some = tags();
  some.at_least_one = true;
  EXPECT_FALSE(takes(some, "x"));
  EXPECT_TRUE(takes(some, "x<f=a>1</f>y<f=a>1</f>"));
  some.stop_after_first = true;
  EXPECT_TRUE(takes(some, "x<f=a>1</f>"));
  EXPECT_FALSE(takes(some, ""));
}

TEST_F(StructuralTagTest, JsonMayStandInTheirPlace) {
  StructuralTag calls = tags();
  calls.at_least_one = calls.only_tags = true;
  calls.otherwise = JsonNode(object_, "text");
  for (const char* text : {"<f=a>1</f>", "<f=a>1</f><f=a>2</f>", "{\"x\": true}"})
    EXPECT_TRUE(takes(calls, text)) << text;
  for (const char* text : {"", "x", "{\"x\": 1}", "{\"x\": true}<f=a>1</f>", "<f=a>1</f>{\"x\": true}"})
    EXPECT_FALSE(takes(calls, text)) << text;
  const Json nothing = Json::parse(R"({"type":"string","enum":[1]})");
  calls.otherwise = JsonNode::of_request(nothing, "text");
  EXPECT_THROW(compile_structural_tag(calls, ""), RequestFailure);
}

TEST_F(StructuralTagTest, ASpecialTokenMaySpellABegin) {
  StructuralTag tag;
  tag.triggers = {"<tool>"};
  tag.tags.push_back({"<tool>", JsonNode(integer_, "a"), "</tool>"});
  GrammarMatcher matcher(compile_structural_tag(tag, ""), test_tokens(), {end_token()});
  std::vector<uint32_t> mask(test_tokens().mask_words());
  ASSERT_TRUE(matcher.accept_text("so "));
  matcher.fill_mask(mask);
  EXPECT_TRUE(has_bit(mask, tool_token()));
  EXPECT_TRUE(has_bit(mask, '<'));
  ASSERT_TRUE(matcher.accept(tool_token()));
  matcher.fill_mask(mask);
  EXPECT_FALSE(has_bit(mask, tool_token())) << "not inside of a tag";
  EXPECT_FALSE(matcher.accept(tool_token()));
  EXPECT_TRUE(has_bit(mask, '7'));
  ASSERT_TRUE(matcher.accept_text("7</tool>"));
  EXPECT_TRUE(matcher.may_end());
}

TEST_F(StructuralTagTest, RefusesWhatCannotWork) {
  const auto refusal = [](const StructuralTag& tag) -> std::string {
    try {
      (void)compile_structural_tag(tag, "response_format");
    } catch (const Failure& failure) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
      return failure.error().message;
    }
    return "";
  };
  EXPECT_THAT(refusal(tags({"<g"})), testing::HasSubstr("no trigger begins"));
  EXPECT_THAT(refusal(tags({})), testing::HasSubstr("expected 1 to 1000"));
  EXPECT_THAT(refusal(tags({""})), testing::HasSubstr("a trigger must be"));
  const Json nothing = false;
  StructuralTag empty = tags();
  empty.tags.push_back({"<f=c>", JsonNode(nothing, "tag c"), ""});
  EXPECT_EQ("tag c: no value fulfils the schema", refusal(empty));
}

TEST(Choice, IsOneOfItsTexts) {
  const std::vector<std::string> texts{"yes", "no", "not sure", "네"};
  const auto grammar = compile_choice(texts, "");
  for (const std::string& text : texts) EXPECT_TRUE(accepts(grammar, text)) << text;
  for (const char* text : {"", "y", "nope", "yesno"}) EXPECT_FALSE(accepts(grammar, text)) << text;
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{{}, {""}, {"\xFF"}})
    EXPECT_THROW((void)compile_choice(bad, "guided_choice"), RequestFailure);
}

TEST(JsonObject, IsAnyObject) {
  const auto grammar = compile_json_object();
  for (const char* text : {"{}", R"({"a": [1, {"b": null}], "": "\ud83d\ude00\u00e9\\"})", "{\n  \"a\": 1\n}"})
    EXPECT_TRUE(accepts(grammar, text)) << text;
  for (const char* text : {"[]", "1", "{\"a\":}", R"({"a":"\ud83d"})", R"({"a":"\udc00"})", "{\"a\":\"\n\"}", " {}",
                           "{}\n", "{\n\n}", "{\"a\" : 1}", "{\"a\":01}", "{\"a\":1,}", "{\"a\":\"\xED\xA0\x80\"}"})
    EXPECT_FALSE(accepts(grammar, text)) << text;
  EXPECT_FALSE(accepts(compile_json_object({.compact = true}), "{\"a\": 1}"));
  EXPECT_TRUE(accepts(compile_json_object({.compact = true}), "{\"a\":[1,2]}"));
}

}  // namespace
}  // namespace maru::text
