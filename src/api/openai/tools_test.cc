#include "api/openai/tools.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

Json json(std::string_view text) { return parse_json(text, "test").value(); }

std::string refused_field(std::string_view tools) {
  try {
    read_tools(json(tools));
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "";
}

TEST(Tools, NameTheFieldAtFault) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "tools"},
      {"[1]", "tools[0]"},
      {R"([{"function": {"name": "f"}}])", "tools[0].type"},
      {R"([{"type": "web_search"}])", "tools[0].type"},
      {R"([{"type": "function"}])", "tools[0].function"},
      {R"([{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {}}])",
       "tools[1].function.name"},
      {R"([{"type": "function", "function": {"name": ""}}])", "tools[0].function.name"},
      {R"([{"type": "function", "function": {"name": "f", "parameters": []}}])", "tools[0].function.parameters"},
      {R"([{"type": "function", "function": {"name": "f", "strict": 1}}])", "tools[0].function.strict"},
      {"null", ""},
      {"[]", ""},
      {R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": false}}])",
       ""}};
  for (const auto& [tools, field] : cases) EXPECT_EQ(field, refused_field(tools)) << tools;
}

TEST(Tools, AreGivenAsTheyCame) {
  const Json tools = json(R"([{"type": "function", "function": {"name": "f", "strict": true}}])");
  EXPECT_EQ(tools, read_tools(tools));
}

TEST(ToolChoice, HasFourForms) {
  using Kind = serving::ToolChoice::Kind;
  const auto kind = [](std::string_view text) { return read_tool_choice(json(text)).kind; };
  EXPECT_EQ(Kind::kAuto, kind("null"));
  EXPECT_EQ(Kind::kAuto, kind("\"auto\""));
  EXPECT_EQ(Kind::kNone, kind("\"none\""));
  EXPECT_EQ(Kind::kRequired, kind("\"required\""));
  const serving::ToolChoice named = read_tool_choice(json(R"({"type": "function", "function": {"name": "f"}})"));
  EXPECT_EQ(Kind::kNamed, named.kind);
  EXPECT_EQ("f", named.name);
  for (const char* bad : {"\"any\"", "5", "{}", R"({"type": "allowed_tools"})", R"({"type": "function"})"})
    EXPECT_THROW(kind(bad), RequestFailure) << bad;
}

}  // namespace
}  // namespace maru::api::openai
