#include "api/anthropic/tools.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::anthropic {
namespace {

Json json(std::string_view text) { return parse_json(text, "test").value(); }

template <class F>
std::string refused_field(F f) {
  try {
    f();
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "";
}

TEST(Tools, BecomeFunctions) {
  EXPECT_EQ(
      json(R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
                     {"type": "function", "function": {"name": "g", "parameters": {}}}])"),
      read_tools(json(R"([{"name": "f", "description": "d", "input_schema": {"type": "object"}},
                                {"type": "custom", "name": "g", "input_schema": {}, "cache_control": {}}])")));
  EXPECT_TRUE(read_tools(nullptr).is_null());
}

TEST(Tools, NameTheFieldAtFault) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "tools"},
      {"[1]", "tools[0]"},
      {R"([{"type": "web_search_20250305", "name": "web_search"}])", "tools[0].type"},
      {R"([{"name": "f"}])", "tools[0].input_schema"},
      {R"([{"input_schema": {}}])", "tools[0].name"},
      {R"([{"name": "f", "input_schema": {}, "defer_loading": true}])", "tools[0].defer_loading"}};
  for (const auto& [tools, field] : cases)
    EXPECT_EQ(field, refused_field([&, text = tools] { read_tools(json(text)); })) << tools;
}

TEST(ToolChoice, HasFourTypes) {
  using Kind = serving::ToolChoice::Kind;
  const auto read = [](std::string_view text) {
    serving::Conversation conversation;
    read_tool_choice(json(text), conversation);
    return conversation;
  };
  EXPECT_EQ(Kind::kAuto, read("null").tool_choice.kind);
  EXPECT_EQ(Kind::kNone, read(R"({"type": "none"})").tool_choice.kind);
  EXPECT_EQ(Kind::kRequired, read(R"({"type": "any"})").tool_choice.kind);
  EXPECT_EQ("f", read(R"({"type": "tool", "name": "f"})").tool_choice.name);
  EXPECT_TRUE(read(R"({"type": "auto", "disable_parallel_tool_use": true})").one_call);
  EXPECT_FALSE(read(R"({"type": "auto"})").one_call);
  EXPECT_EQ("tool_choice.type", refused_field([&] { read(R"({"type": "some"})"); }));
  EXPECT_EQ("tool_choice", refused_field([&] { read("\"auto\""); }));
  EXPECT_EQ("tool_choice.name", refused_field([&] { read(R"({"type": "tool"})"); }));
  EXPECT_EQ("tool_choice.mode", refused_field([&] { read(R"({"type": "auto", "mode": 1})"); }));
}

TEST(Thinking, IsOffUnlessItIsAskedFor) {
  const auto read = [](std::string_view text) {
    serving::Conversation conversation;
    read_thinking(json(text), conversation);
    return conversation;
  };
  EXPECT_EQ(false, read("null").reasons);
  EXPECT_EQ(false, read(R"({"type": "disabled"})").reasons);
  EXPECT_EQ(true, read(R"({"type": "enabled"})").reasons);
  EXPECT_EQ(std::nullopt, read(R"({"type": "adaptive"})").reasons);
  EXPECT_EQ(1u, read(R"({"type": "enabled", "budget_tokens": 2048})").warnings.size());
  EXPECT_EQ("thinking.type", refused_field([&] { read(R"({"type": "on"})"); }));
  EXPECT_EQ("thinking.budget_tokens", refused_field([&] { read(R"({"type": "enabled", "budget_tokens": 0})"); }));
  EXPECT_EQ("thinking.display", refused_field([&] { read(R"({"type": "enabled", "display": "omitted"})"); }));
}

}  // namespace
}  // namespace maru::api::anthropic
