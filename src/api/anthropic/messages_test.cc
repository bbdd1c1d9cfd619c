#include "api/anthropic/messages.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::anthropic {
namespace {

Json json(std::string_view text) { return parse_json(text, "test").value(); }

TEST(Messages, CallsAndWhatToolsReturned) {
  EXPECT_EQ(json(R"([{"role": "user", "content": "weather?"},
      {"role": "assistant", "content": "I look.", "reasoning_content": "hm",
       "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": {"city": "서울"}}},
                      {"id": "t2", "type": "function", "function": {"name": "g", "arguments": {}}}]},
      {"role": "tool", "tool_call_id": "t1", "content": "3 °C"},
      {"role": "tool", "tool_call_id": "t2", "content": "no", "is_error": true},
      {"role": "user", "content": "and now?"}])"),
            read_messages(json(R"([{"role": "user", "content": "weather?"},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""},
          {"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "서울"}},
          {"type": "tool_use", "id": "t2", "name": "g", "input": {}}]},
      {"role": "user", "content": [
          {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "3 °C"}]},
          {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": true},
          {"type": "text", "text": "and now?"}]}])")));
}

TEST(Messages, TurnsOfOneRoleAreOne) {
  EXPECT_EQ(json(R"([{"role": "user", "content": "a\n\nbc"}, {"role": "assistant", "content": "d"}])"),
            read_messages(json(R"([{"role": "user", "content": "a"},
                {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "d"}]}])")));
  EXPECT_EQ(json(R"([{"role": "assistant", "content": ""}])"),
            read_messages(json(R"([{"role": "assistant", "content": []}])")));
}

TEST(Messages, BlocksStandWithTheRoleTheyAreOf) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]})", "type"},
      {R"({"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]})", "type"},
      {R"({"role": "assistant", "content": [{"type": "redacted_thinking", "data": ""}]})", "type"},
      {R"({"role": "user", "content": [{"type": "tool_result"}]})", "tool_use_id"},
      {R"({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}]})",
       "content[0].type"},
      {R"({"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}]})", "input"},
      {R"({"role": "assistant", "content": [{"type": "tool_use", "id": "a", "input": {}}]})", "name"}};
  for (const auto& [message, field] : cases) try {
      read_messages(Json::array({json(message)}));
      ADD_FAILURE() << message;
    } catch (const RequestFailure& failure) {
      EXPECT_EQ("messages[0].content[0]." + std::string(field), failure.field()) << message;
    }
}

}  // namespace
}  // namespace maru::api::anthropic
