#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "base/json_node.h"
#include "text/grammar/compile.h"

namespace maru::text {
namespace {

std::string digest_of(const std::string& schema) {
  const Json json = parse_json(schema, "schema").value();
  return compile_json_schema(JsonNode::of_request(json, "schema"))->digest();
}

TEST(GrammarDigest, IsTheSameForTheSameText) {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer","minimum":3},"b":{"enum":["x","가"]},
          "c":{"type":"array","items":{"$ref":"#/$defs/d"}}},"required":["a"],"$defs":{"d":{"type":"string"}}})";
  EXPECT_EQ(digest_of(schema), digest_of(schema));
  EXPECT_EQ(64u, digest_of(schema).size());
  EXPECT_EQ(compile_regex("a+b", "r")->digest(), compile_regex("a+b", "r")->digest());
}

TEST(GrammarDigest, IsAnotherForAnother) {
  std::set<std::string> digests;
  for (const char* schema :
       {R"({"type":"integer"})", R"({"type":"integer","minimum":3})", R"({"type":"string"})",
        R"({"type":"string","maxLength":3})", R"({"type":"string","maxLength":4})", R"({"type":"object"})",
        R"({"type":"array","items":{"type":"string"}})", R"({"type":"array","items":{"type":"string"},"maxItems":2})",
        R"({"enum":["a"]})", R"({"enum":["b"]})"})
    EXPECT_TRUE(digests.insert(digest_of(schema)).second) << schema;
  for (const char* regex : {"a", "a?", "a{2}", "a{3}", "[ab]"})
    EXPECT_TRUE(digests.insert(compile_regex(regex, "r")->digest()).second) << regex;
}

}  // namespace
}  // namespace maru::text
