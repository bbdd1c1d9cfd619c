#include "text/chat/answer/tool_set.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace maru::text {
namespace {

TEST(ToolSet, KnowsNamesAndWhichParametersAreText) {
  const Json tools = parse_json(R"([{"type": "function", "function": {"name": "f", "parameters": {"properties": {
      "text": {"type": "string"}, "number": {"type": "number"}, "either": {"type": ["string", "null"]},
      "any_of": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 
      "one": {"enum": ["a", "b"]}, "two": {"enum": [1, 2]},
      "free": {}}}}}, {"function": {"name": 3}}, "no tool", {"function": {"name": "bare"}}])",
                                "t")
                         .value();
  const ToolSet set(tools);
  using Value = ToolSet::Value;
  EXPECT_TRUE(set.contains("f") && set.contains("bare"));
  EXPECT_FALSE(set.contains("g"));
  EXPECT_EQ(Value::kText, set.kind_of("f", "text"));
  EXPECT_EQ(Value::kJson, set.kind_of("f", "number"));
  EXPECT_EQ(Value::kTextUnlessNull, set.kind_of("f", "either"));
  EXPECT_EQ(Value::kJson, set.kind_of("f", "any_of"));
  EXPECT_EQ(Value::kText, set.kind_of("f", "one"));
  EXPECT_EQ(Value::kJson, set.kind_of("f", "two"));
  for (const char* unknown : {"free", "none"}) EXPECT_EQ(Value::kText, set.kind_of("f", unknown));
  EXPECT_EQ(Value::kText, set.kind_of("bare", "x"));
  EXPECT_FALSE(ToolSet(Json("none")).contains("f"));
}

}  // namespace
}  // namespace maru::text
