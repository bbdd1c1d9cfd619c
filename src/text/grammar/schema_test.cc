// JSON Schemas: what is reachable through the masks, what is not, what is refused and what does no harm.
#include <gmock/gmock.h>

#include "base/request_failure.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

struct Case {
  const char* schema;
  std::vector<const char*> good, bad;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const auto grammar = schema_grammar(c.schema);
    for (const char* text : c.good) EXPECT_TRUE(accepts(grammar, text)) << c.schema << ": " << text;
    for (const char* text : c.bad) EXPECT_FALSE(accepts(grammar, text)) << c.schema << ": " << text;
  }
}

std::string refusal(const std::string& schema) {
  const Json json = parse_json(schema, "schema").value();
  try {
    (void)compile_json_schema(JsonNode::of_request(json, "response_format.json_schema.schema"));
  } catch (const RequestFailure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
    EXPECT_THAT(failure.error().message, testing::StartsWith("response_format.json_schema.schema"));
    return failure.error().message;
  }
  return "";
}

TEST(Schema, Objects) {
  check(
      {{R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"},"c":{}},"required":["b"],
              "additionalProperties":false})",
        {R"({"b":null})", R"({"a":1,"b":null,"c":[]})", "{\"a\": 1, \"b\": null}", "{\n  \"b\": null,\n  \"c\": {}\n}"},
        {"{}", R"({"b":null,"a":1})", R"({"b":null,"d":1})", R"({"a":"1","b":null})", R"({"b":null,})",
         R"({,"b":null})", R"({"b":null,"b":null})", "{\n\n\"b\":null}", R"({"a":1 ,"b":null})"}},
       {R"({"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"},"type":"object"})",
        {"{}", R"({"a":1})", R"({"a":1,"b":"x"})", R"({"b":"x","가":"y"})", R"({"ab":"x"})"},
        {R"({"b":1})", R"({"b":"x","a":1})", R"({"\u0061":"x"})", R"({"a":"x"})"}},
       {R"({"type":"object","patternProperties":{"^x-":{"type":"integer"},"n$":{"minimum":5}},"additionalProperties":false})",
        {R"({"x-a":1})", R"({"x-n":5,"n":"x"})", "{}"},
        {R"({"x-n":4})", R"({"a":1})", R"({"x-a":"1"})"}},
       {R"({"type":"object","propertyNames":{"pattern":"^[a-z]{2}$"},"minProperties":1,"maxProperties":2})",
        {R"({"ab":1})", R"({"ab":1,"cd":2})"},
        {"{}", R"({"abc":1})", R"({"ab":1,"cd":2,"ef":3})"}},
       {R"({"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":2,"maxProperties":2})",
        {R"({"a":1,"b":2})", R"({"b":1,"c":2})"},
        {R"({"a":1})", R"({"a":1,"b":2,"c":3})", "{}"}},
       {R"({"type":"object","required":["z"],"additionalProperties":{"type":"integer"}})",
        {R"({"z":1,"y":2})"},
        {R"({"y":2})", R"({"z":""})"}},
       {R"({"type":"object","properties":{}})", {"{}", R"({"a":{"b":1}})"}, {"[]"}}});
}

TEST(Schema, Arrays) {
  check(
      {{R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
        {"[1]", "[1,2,3]", "[1, 2]", "[\n  1,\n  2\n]"},
        {"[]", "[1,2,3,4]", "[1,]", "[,1]", "[\"1\"]"}},
       {R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"boolean"}],"items":false})",
        {"[]", "[1]", "[1,true]"},
        {"[true]", "[1,true,1]"}},
       {R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"boolean"}],"items":{"type":"null"},"minItems":3,"maxItems":4})",
        {"[1,true,null]", "[1,true,null,null]"},
        {"[1,true]", "[1,true,1]", "[1,true,null,null,null]"}},
       {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
       {R"({"type":"array","items":{"type":"array","items":{"enum":[1,2]}}})", {"[[1],[],[2,1]]"}, {"[1]", "[[3]]"}},
       {R"({"type":"array","items":{"type":"null"},"minItems":2,"maxItems":1000000000})",
        {"[null,null]"},
        {"[null]"}}});
}

TEST(Schema, Scalars) {
  check(
      {{R"({"type":["string","null"],"minLength":2,"maxLength":3})",
        {"null", "\"ab\"", "\"가나다\"", R"("\ud83d\ude00a")", R"("\n\"")", "\"😀é\""},
        {"\"a\"", "\"abcd\"", "\"가\"", R"("\ud83d\ude00")", "1", "\"\""}},
       {R"({"type":"integer","minimum":-5,"exclusiveMaximum":12})", {"-5", "0", "11"}, {"-6", "12", "1.0", "-0", "05"}},
       {R"({"type":"number","exclusiveMinimum":0,"maximum":1.5})",
        {"0.1", "1.5", "1", "1.50"},
        {"0", "1.51", "2", "-1", "1e0", "0.0"}},
       {R"({"type":"integer","allOf":[{"minimum":5},{"minimum":3},{"exclusiveMinimum":5},{"maximum":9},{"maximum":10}]})",
        {"6", "9"},
        {"4", "5", "10"}},
       {R"({"type":"integer","multipleOf":5,"minimum":7})", {"10", "1005"}, {"5", "12"}},
       {R"({"enum":["a","가\n",1,2.5,3.0,null,true,{"b":[1]},[]]})",
        {"\"a\"", R"("가\n")", "1", "2.5", "3", "null", "true", R"({"b": [1]})", "[]"},
        {"\"b\"", "3.0", "false", R"({"b":[]})"}},
       {R"({"const":"a/b"})", {"\"a/b\""}, {R"("a\/b")"}},
       {R"({"type":"string","enum":["a",1]})", {"\"a\""}, {"1"}},
       {R"({"type":"string","pattern":"b"})", {"\"b\"", "\"abc\"", R"("\n\u0001b")"}, {"\"a\"", "\"\""}},
       {R"({"type":"string","pattern":"^a|b$"})", {"\"ax\"", "\"xb\""}, {"\"xa\""}},
       {R"({"type":"string","pattern":"^[가-힣]+$","maxLength":2})", {"\"가나\""}, {"\"가나다\"", "\"a\""}},
       {R"({"type":"string","format":"date"})",
        {"\"2024-02-29\"", "\"1999-12-31\""},
        {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\""}},
       {R"({"type":"string","format":"uuid"})", {"\"123e4567-e89b-12d3-a456-426614174000\""}, {"\"123e4567\""}},
       {R"({"type":"boolean"})", {"true", "false"}, {"null", "tru"}},
       {"true", {"1", "\"\"", "[{}]", "-1.5e-10"}, {"", "NaN", "1e", "1e400", "- 1"}},
       {R"({"type":"number"})",
        {"0", "-0.5", "1e5", "12345678901234567890"},
        {"123456789012345678901", "1.", ".5", "+1"}}});
}

TEST(Schema, Combinations) {
  check(
      {{R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})", {"1", "\"a\""}, {"\"ab\"", "null"}},
       {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":3}},"type":"object"}],"additionalProperties":true})",
        {R"({"a":3})"},
        {R"({"a":2})", "{}", "3"}},
       {R"({"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"]},
                       {"type":"object","properties":{"k":{"const":"b"},"v":{"type":"string"}},
                        "required":["k","v"]}]})",
        {R"({"k":"a","v":1})", R"({"k":"b","v":"x"})"},
        {R"({"k":"a","v":"x"})", R"({"k":"c","v":1})"}},
       {R"({"oneOf":[{"type":"object","required":["a"],"not":{"required":["b"]}},{"type":"object","required":["b"]}]})",
        {R"({"a":1})", R"({"b":1})", R"({"b":1,"a":1})"},
        {"{}"}},
       {R"({"type":"string","anyOf":[{"minLength":2},{"const":""}]})", {"\"\"", "\"ab\""}, {"\"a\"", "1"}},
       {R"({"not":{"type":["string","number"]}})", {"null", "[]"}, {"1", "\"\""}},
       {R"({"$defs":{"tree":{"type":"object","properties":{"l":{"$ref":"#/$defs/tree"},"v":{"type":"integer"}},
                       "required":["v"],"additionalProperties":false}},"$ref":"#/$defs/tree"})",
        {R"({"v":1})", R"({"l":{"l":{"v":1},"v":2},"v":3})"},
        {R"({"l":{},"v":3})", R"({"l":{"v":1}})"}},
       {R"({"$ref":"#"})", {"1", "{}"}, {""}},
       {R"({"definitions":{"a":{"$anchor":"x","type":"null"}},"type":"array","items":{"$ref":"#x"}})",
        {"[null]"},
        {"[1]"}}});
}

TEST(Schema, RefusesByNameAndPlace) {
  using testing::HasSubstr;
  for (const auto& [schema, why] : std::vector<std::pair<std::string, std::string>>{
           {R"({"properties":{"a":{"uniqueItems":true}}})",
            "properties.a.uniqueItems: \"uniqueItems\" is not supported"},
           {R"({"requierd":["a"]})", "\"requierd\" is not supported"},
           {R"({"contains":{}})", "\"contains\""},
           {R"({"if":{},"then":{}})", "if: "},
           {R"({"items":[{}]})", "prefixItems"},
           {R"({"type":"strng"})", "strng"},
           {R"({"type":"string","format":"color"})", "\"color\""},
           {R"({"multipleOf":0.01})", "multipleOf"},
           {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", "\"oneOf\" is not supported where two may hold"},
           {R"({"not":{"enum":[1]}})", "\"not\""},
           {R"({"$ref":"#/$defs/x"})", "leads nowhere"},
           {R"({"$ref":"http://x/y"})", "a place in this schema"},
           {R"j({"pattern":"(?=a)"})j", "pattern: regular expression, character 3: lookaround"},
           {R"({"unevaluatedProperties":false})", "unevaluatedProperties"},
           {R"({"dependentRequired":{"a":["b"]}})", "dependentRequired"},
           {R"({"minLength":-1})", "at least 0"},
           {R"({"type":"object","minProperties":2})", "minProperties"},
           {R"({"type":"string","minLength":3,"maxLength":2})", "no value fulfils"},
           {"false", "no value fulfils"},
           {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", "no value fulfils"},
           {R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":1})", "no value fulfils"},
           {R"j({"type":"string","pattern":"^(aa)*$","minLength":3,"maxLength":3})j", "no value fulfils"},
           {R"("object")", "a schema"},
           {R"({"properties":{"a":1}})", "properties.a: expected a schema"},
           {R"({"nullable":true})", "null"},
           {R"({"$defs":{"a":{"$id":"x"}},"$ref":"#/$defs/a"})", "$id"}})
    EXPECT_THAT(refusal(schema), HasSubstr(why)) << schema;
}

TEST(Schema, AnnotationsAskNothing) {
  EXPECT_TRUE(accepts(
      schema_grammar(R"({"title":"t","description":"d","default":1,"examples":[1],"$comment":"c","deprecated":true,
      "x-order":1,"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"http://x/y","type":"integer",
      "readOnly":true})"),
      "1"));
}

TEST(Schema, HarmsNobody) {
  using testing::HasSubstr;
  Json nested = Json::object();
  for (int i = 0; i < 10'000; ++i) nested = Json{{"items", std::move(nested)}, {"type", "array"}};
  EXPECT_NO_THROW((void)compile_json_schema(JsonNode(nested, "s")));
  Json all = Json::object();
  for (int i = 0; i < 10'000; ++i) all = Json{{"allOf", Json::array({std::move(all)})}};
  EXPECT_THROW((void)compile_json_schema(JsonNode(all, "s")), Failure);
  // References that double, alternatives that multiply.
  std::string doubling = R"({"$defs":{"a0":{"type":"null"})", many = R"({"allOf":[)";
  for (int i = 1; i < 60; ++i) {
    const std::string ref = R"({"$ref":"#/$defs/a)" + std::to_string(i - 1) + "\"}";
    doubling += ",\"a" + std::to_string(i) + R"(":{"type":"array","prefixItems":[)" + ref + "," + ref +
                R"(],"minItems":2,"items":false})";
  }
  EXPECT_EQ("", refusal(doubling + R"(},"$ref":"#/$defs/a59"})"));
  for (int i = 0; i < 20; ++i)
    many +=
        R"({"anyOf":[{"required":["a)" + std::to_string(i) + R"("]},{"required":["b)" + std::to_string(i) + "\"]}]},";
  EXPECT_THAT(refusal(many + "true]}"), HasSubstr("too many combinations"));
  EXPECT_EQ("", refusal(R"({"type":"string","maxLength":1000000000000})"));
  EXPECT_THAT(refusal(R"({"type":"string","pattern":"^a*$","maxLength":1000000})"), HasSubstr("too large"));
  std::string values = R"({"allOf":[{"enum":[)", required = R"({"required":[)";
  for (int i = 0; i < 9000; ++i) values += std::to_string(i) + ",";
  for (int i = 0; i < 100'000; ++i) required += "\"p" + std::to_string(i) + "\",";
  EXPECT_EQ("", refusal(values + R"("가"]},{"enum":[3,"가"]}]})"));
  EXPECT_THAT(refusal(required + "\"\"]}"), HasSubstr("at most 1000 required"));
  std::string wide = R"({"type":"object","properties":{)";
  for (int i = 0; i < 1001; ++i) wide += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + "\":{}";
  EXPECT_THAT(refusal(wide + "}}"), HasSubstr("at most 1000"));
}

TEST(Schema, WhiteSpaceEnds) {
  GrammarMatcher matcher(schema_grammar(R"({"type":"object"})"), test_tokens(), {end_token()});
  ASSERT_TRUE(matcher.accept_text("{\n"));
  int spaces = 0;
  while (matcher.accept(' ')) ASSERT_LT(++spaces, 100);
  EXPECT_EQ(64, spaces);
  EXPECT_FALSE(matcher.accept('\n') || matcher.accept('\t'));
  EXPECT_TRUE(matcher.accept('}'));
}

}  // namespace
}  // namespace maru::text
