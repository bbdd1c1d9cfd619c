#include "api/ollama/messages.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::ollama {
namespace {

Json json(const std::string& text) { return parse_json(text, "test").value(); }

template <class F>
std::string refused_field(F f) {
  try {
    f();
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "";
}

TEST(OllamaMessages, AreReadAsTemplatesReadThem) {
  EXPECT_EQ(json(R"([{"role":"system","content":"be kind"},{"role":"user","content":"hi"},
                     {"role":"assistant","content":"","reasoning_content":"hm","tool_calls":[
                       {"id":"call_1","type":"function","function":{"name":"f","arguments":{"a":1}}},
                       {"id":"x","type":"function","function":{"name":"g","arguments":{}}}]},
                     {"role":"tool","content":"1","name":"f","tool_call_id":"call_1"},
                     {"role":"tool","content":"2","tool_call_id":"x"}])"),
            read_messages(json(R"([{"role":"system","content":"be kind"},{"role":"user","content":"hi","images":[]},
                     {"role":"assistant","content":"","thinking":"hm","tool_calls":[
                       {"function":{"name":"f","arguments":{"a":1}}},{"id":"x","function":{"name":"g"}}]},
                     {"role":"tool","content":"1","tool_name":"f"},{"role":"tool","content":"2"}])")));
}

TEST(OllamaMessages, ResultsThatNameTheirCallLeaveTheOthers) {
  const Json messages = read_messages(json(R"([{"role":"assistant","tool_calls":[
      {"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"g"}}]},
      {"role":"tool","content":"2","tool_call_id":"b"},{"role":"tool","content":"1"},{"role":"tool","content":"?"}])"));
  EXPECT_EQ("b", messages[1]["tool_call_id"]);
  EXPECT_EQ("a", messages[2]["tool_call_id"]);
  EXPECT_FALSE(messages[3].contains("tool_call_id"));
}

TEST(OllamaMessages, NameTheFieldAtFault) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("hi")", "messages"},
      {"[1]", "messages[0]"},
      {R"([{"content":"hi"}])", "messages[0].role"},
      {R"([{"role":""}])", "messages[0].role"},
      {R"([{"role":"user","content":7}])", "messages[0].content"},
      {R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content"},
      {R"([{"role":"user","content":"a","images":["aGk="]}])", "messages[0].images"},
      {R"([{"role":"user","content":"a","images":7}])", "messages[0].images"},
      {R"([{"role":"assistant","tool_calls":[{}]}])", "messages[0].tool_calls[0].function"},
      {R"([{"role":"assistant","tool_calls":[{"function":{"name":""}}]}])", "messages[0].tool_calls[0].function.name"},
      {R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}])",
       "messages[0].tool_calls[0].function.arguments"}};
  for (const auto& [text, field] : cases)
    EXPECT_EQ(field, refused_field([&, t = text] { read_messages(json(t)); })) << text;
}

TEST(OllamaTools, AreFunctions) {
  EXPECT_TRUE(read_tools(nullptr).is_null());
  EXPECT_TRUE(read_tools(Json::array()).is_null());
  const Json tools = json(R"([{"function":{"name":"f","parameters":{"type":"object"}}}])");
  EXPECT_EQ("function", read_tools(tools)[0]["type"]);
  EXPECT_EQ("f", read_tools(tools)[0]["function"]["name"]);
  const std::pair<const char*, const char*> cases[] = {
      {R"([{"type":"web"}])", "tools[0].type"},
      {R"([{"type":"function"}])", "tools[0].function"},
      {R"([{"function":{}}])", "tools[0].function.name"},
      {R"([{"function":{"name":"f","parameters":[]}}])", "tools[0].function.parameters"},
      {R"("f")", "tools"}};
  for (const auto& [text, field] : cases)
    EXPECT_EQ(field, refused_field([&, t = text] { read_tools(json(t)); })) << text;
}

}  // namespace
}  // namespace maru::api::ollama
