// What clients and agent frameworks send back as history: OpenAI's own (Python and Node), its Agents SDK, LangChain
// (ChatOpenAI, ChatNVIDIA), LlamaIndex, the Vercel AI SDK, Open WebUI, and the older form of functions.
#include "api/openai/messages.h"

#include <gtest/gtest.h>

#include "http/problem.h"

namespace maru::api::openai {
namespace {

Json parsed(std::string_view text) { return parse_json(text, "test").value(); }

/// The first message as templates see it, or "PARAM: refused".
std::string read(const std::string& message, bool knows_developer = false) {
  try {
    return read_messages(Json::array({parsed(message)}), knows_developer).list[0].dump();
  } catch (const RequestFailure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(failure.word(), "invalid_value");
    return failure.field() + ": refused";
  }
}

struct Case {
  const char *sent, *seen;  // seen: JSON, or what is refused
};

void check(std::span<const Case> cases) {
  for (const Case& c : cases) {
    const std::string got = read(c.sent);
    const bool refused = std::string_view(c.seen).ends_with(": refused");
    EXPECT_EQ(got, refused ? c.seen : parsed(c.seen).dump()) << c.sent;
  }
}

TEST(Messages, ContentMayBeMissingWhereToolsAreCalled) {
  const std::string call =
      R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{"x":1}}}])";
  for (const std::string content : {"", R"("content":null,)", R"("content":"",)", R"("content":[],)"}) {
    const std::string sent = R"({"role":"assistant",)" + content + call + "}";
    const Json seen = parsed(read(sent));
    EXPECT_EQ(seen["tool_calls"], parsed("{" + call + "}")["tool_calls"]) << sent;
    EXPECT_TRUE(!seen.contains("content") || seen["content"].is_null() || seen["content"] == "") << sent;
  }
}

TEST(Messages, EveryFormOfContentHasAnAnswer) {
  check(std::array<Case, 26>{{
      {R"({"role":"user","content":"a"})", R"({"role":"user","content":"a"})"},
      {R"({"role":"user","content":""})", R"({"role":"user","content":""})"},
      {R"({"role":"user","content":[]})", R"({"role":"user","content":""})"},
      {R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})",
       R"({"role":"user","content":"ab"})"},
      {R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]})",
       R"({"role":"user","content":"a"})"},
      {R"({"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"3"}]})",
       R"({"role":"tool","tool_call_id":"c1","content":"3"})"},
      {R"({"role":"tool","tool_call_id":"c1","name":"f","content":"3"})",
       R"({"role":"tool","tool_call_id":"c1","name":"f","content":"3"})"},
      {R"({"role":"assistant","content":"a","refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":null})",
       R"({"role":"assistant","content":"a","refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":null})"},
      {R"({"role":"assistant","content":"a","tool_calls":[]})", R"({"role":"assistant","content":"a"})"},
      {R"({"role":"assistant","content":null,"refusal":"no"})",
       R"({"role":"assistant","content":"no","refusal":"no"})"},
      {R"({"role":"assistant","content":[{"type":"refusal","refusal":"no"}]})",
       R"({"role":"assistant","content":"no"})"},
      {R"({"role":"assistant","content":"a","reasoning_content":"r"})",
       R"({"role":"assistant","content":"a","reasoning_content":"r"})"},
      {R"({"role":"developer","content":"d"})", R"({"role":"system","content":"d"})"},
      {R"({"role":"user","content":null})", "messages[0].content: refused"},
      {R"({"role":"user"})", "messages[0].content: refused"},
      {R"({"role":"assistant","content":null})", "messages[0].content: refused"},
      {R"({"role":"assistant","content":null,"tool_calls":[]})", "messages[0].content: refused"},
      {R"({"role":"tool","tool_call_id":"c1","content":null})", "messages[0].content: refused"},
      {R"({"role":"tool","tool_call_id":"c1","content":{"t":3}})", "messages[0].content: refused"},
      {R"({"role":"user","content":3})", "messages[0].content: refused"},
      {R"({"role":"user","content":["a"]})", "messages[0].content[0]: refused"},
      {R"({"role":"user","content":[{"text":"a"}]})", "messages[0].content[0].type: refused"},
      {R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]})",
       "messages[0].content[1].type: refused"},
      {R"({"role":"user","content":[{"type":"text","text":null}]})", "messages[0].content[0].text: refused"},
      {R"({"role":"assistant","content":null,"audio":{"id":"audio_1"}})", "messages[0].audio: refused"},
      {R"("hi")", "messages[0]: refused"},
  }});
}

TEST(Messages, EveryFormOfACallHasAnAnswer) {
  check(std::array<Case, 14>{{
      {R"({"role":"assistant","tool_calls":[{"function":{"name":"f"}}]})",
       R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]})"},
      {R"({"role":"assistant","tool_calls":[{"id":"c","index":0,"type":"function","function":{"name":"f","arguments":"{\"a\": [1]}"}}]})",
       R"({"role":"assistant","tool_calls":[{"id":"c","index":0,"type":"function","function":{"name":"f","arguments":{"a":[1]}}}]})"},
      {R"({"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}})",
       R"({"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"f","arguments":{}}}]})"},
      {R"({"role":"function","name":"f","content":"3"})", R"({"role":"tool","name":"f","content":"3"})"},
      {R"({"role":"assistant","tool_calls":{}})", "messages[0].tool_calls: refused"},
      {R"({"role":"assistant","tool_calls":["f"]})", "messages[0].tool_calls[0]: refused"},
      {R"({"role":"assistant","tool_calls":[{"name":"f","arguments":{}}]})",
       "messages[0].tool_calls[0].function: refused"},
      {R"({"role":"assistant","tool_calls":[{"type":"custom","custom":{"name":"f","input":"x"}}]})",
       "messages[0].tool_calls[0].type: refused"},
      {R"({"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]})",
       "messages[0].tool_calls[0].function.name: refused"},
      {R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":[1]}}]})",
       "messages[0].tool_calls[0].function.arguments: refused"},
      {R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":1}}]})",
       "messages[0].tool_calls[0].function.arguments: refused"},
      {R"({"role":"assistant","function_call":"auto"})", "messages[0].function_call: refused"},
      {R"({"content":"x"})", "messages[0].role: refused"},
      {R"({"role":["user"],"content":"x"})", "messages[0].role: refused"},
  }});
}

// A model that was cut off, or that wrote what is no JSON, has it in its history for ever.
TEST(Messages, ArgumentsThatAreNoObjectAreNone) {
  const std::pair<std::string, bool> kArguments[] = {{"", false},
                                                     {"  \n", false},
                                                     {"{}", false},
                                                     {"{\"a\"", true},
                                                     {"{\"a\": 1", true},
                                                     {"{'a': 1}", true},
                                                     {"null", true},
                                                     {"[1]", true},
                                                     {"\"{}\"", true},
                                                     {"3", true},
                                                     {"{\"a\": 1}}", true},
                                                     {"f(x)", true},
                                                     {"{\"a\": NaN}", true},
                                                     {"{\"a\": \"\xff\"}", true},
                                                     {std::string(100'000, '['), true}};
  for (const auto& [arguments, warns] : kArguments) {
    const Json message{{"role", "assistant"},
                       {"tool_calls", Json::array({{{"function", {{"name", "f"}, {"arguments", arguments}}}}})}};
    const Messages got = read_messages(Json::array({message}), false);
    EXPECT_EQ(got.list[0]["tool_calls"][0]["function"]["arguments"], Json::object()) << arguments.substr(0, 20);
    EXPECT_EQ(got.warnings.size(), warns ? 1u : 0u) << arguments.substr(0, 20);
    for (const std::string& warning : got.warnings)
      EXPECT_EQ(warning,
                "messages[0].tool_calls[0].function.arguments: not the text of a JSON object; the model is shown {}");
  }
  Json many = Json::array();
  for (int i = 0; i < 1000; ++i)
    many.push_back(parsed(R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]})"));
  EXPECT_EQ(read_messages(many, false).warnings.size(), 16u);
}

TEST(Messages, DevelopersStayWhereTheTemplateKnowsThem) {
  EXPECT_EQ(parsed(read(R"({"role":"developer","content":"d"})", true))["role"], "developer");
  EXPECT_EQ(parsed(read(R"({"role":"observation","content":"d"})", true))["role"], "observation");
}

}  // namespace
}  // namespace maru::api::openai
