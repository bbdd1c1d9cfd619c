#include "api/openai/responses/items.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

Json json(std::string_view text) { return parse_json(text, "test").value(); }

NewId ids() {
  return [n = 0](std::string_view prefix) mutable { return std::string(prefix) + std::to_string(++n); };
}

std::string refused_field(std::string_view input) {
  try {
    read_items(json(input), ids());
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "";
}

TEST(Items, NameTheFieldAtFault) {
  const std::pair<const char*, const char*> cases[] = {
      {"5", "input"},
      {"[1]", "input[0]"},
      {R"([{"role":"king","content":"x"}])", "input[0].role"},
      {R"([{"content":"x"}])", "input[0].role"},
      {R"([{"role":"user"}])", "input[0].content"},
      {R"([{"role":"user","content":[{"type":"input_image","image_url":"x"}]}])", "input[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"input_text"}]}])", "input[0].content[0].text"},
      {R"([{"role":"assistant","content":[{"type":"input_text","text":"x"}]}])", "input[0].content[0].type"},
      {R"([{"type":"function_call","name":"f","arguments":"{}"}])", "input[0].call_id"},
      {R"([{"type":"function_call","call_id":"c","name":"","arguments":"{}"}])", "input[0].name"},
      {R"([{"type":"function_call_output","call_id":"c","output":5}])", "input[0].output"},
      {R"([{"type":"item_reference","id":"x"}])", "input[0].type"},
      {R"([{"type":"web_search_call"}])", "input[0].type"},
      {R"([])", ""},
      {R"("hi")", ""}};
  for (const auto& [input, field] : cases) EXPECT_EQ(field, refused_field(input)) << input;
}

TEST(Items, AreKeptInFull) {
  EXPECT_EQ(json(R"([{"id":"msg_1","type":"message","status":"completed","role":"user",
                      "content":[{"type":"input_text","text":"hi"}]}])"),
            read_items(json("\"hi\""), ids()));
  const Json items =
      read_items(json(R"([{"role":"assistant","content":"a"},{"id":"own","role":"user","content":"b"}])"), ids());
  EXPECT_EQ("output_text", items[0]["content"][0]["type"]);
  EXPECT_EQ(Json::array(), items[0]["content"][0]["annotations"]);
  EXPECT_EQ("own", items[1]["id"]);
  EXPECT_EQ(items, read_items(items, ids())) << "what is sent back is read as it was";
}

TEST(Items, BecomeMessages) {
  const Json items = read_items(json(R"([{"role":"developer","content":"d"},
               {"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},
               {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
               {"role":"assistant","content":[{"type":"output_text","text":"I look"}]},
               {"type":"function_call","call_id":"1","name":"f","arguments":"{\"x\":1}"},
               {"type":"function_call","call_id":"2","name":"g","arguments":"{}"},
               {"type":"function_call_output","call_id":"1","output":"one"},
               {"type":"function_call_output","call_id":"2","output":[{"type":"input_text","text":"two"}]},
               {"type":"reasoning","summary":[{"type":"summary_text","text":"so"}]},
               {"type":"reasoning","content":[{"type":"reasoning_text","text":" be it"}]}])"),
                                ids());
  EXPECT_EQ(json(R"([{"role":"developer","content":"d"},{"role":"user","content":"ab"},
                     {"role":"assistant","content":"I look","reasoning_content":"hm","tool_calls":[
                       {"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
                       {"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},
                     {"role":"tool","tool_call_id":"1","content":"one"},
                     {"role":"tool","tool_call_id":"2","content":"two"},
                     {"role":"assistant","content":"","reasoning_content":"so be it"}])"),
            messages_of(items));
}

}  // namespace
}  // namespace maru::api::openai
