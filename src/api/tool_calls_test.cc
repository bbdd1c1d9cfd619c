// Tools and reasoning from end to end: what clients send, what a model says, what clients get, in both dialects.
#include "api/test_server.h"
#include "infer/fake_speaker.h"
#include "models/answer_forms.h"

namespace maru::api {
namespace {

class ToolCallsTest : public ServeTest {
 protected:
  static constexpr std::string_view kTool =
      R"({"type":"function","function":{"name":"weather","parameters":{"type":"object"}}})";
  const std::string call_ = R"(<tool_call>{"name": "weather", "arguments": {"city": "서울"}}</tool_call>)";
  infer::FakeSpeaker speaker_{tokenizer_};

  void SetUp() override {
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      serving::ModelParts parts;
      parts.model = &speaker_;
      parts.tokenizer = &tokenizer_;
      parts.chat_template = &chat_template_;
      parts.id = "tiny";
      parts.end_tokens = {1};
      parts.forms = {.calls = find_call_form("hermes", ""), .reasoning = find_reasoning_form("think_tags", "")};
      host.add(std::move(parts));
    });
  }
  static std::string openai(std::string_view more = "") {
    return R"({"model":"tiny","messages":[{"role":"user","content":"hi"}],"tools":[)" + std::string(kTool) + "]" +
           std::string(more) + "}";
  }
  static std::string anthropic(std::string_view more = "") {
    return R"({"model":"tiny","max_tokens":900,"messages":[{"role":"user","content":"hi"}],
              "tools":[{"name":"weather","input_schema":{"type":"object"}}])" +
           std::string(more) + "}";
  }
  Json choice(std::string_view more = "") {
    const Got got = post("/v1/chat/completions", openai(more));
    EXPECT_EQ(200, got.status) << got.body;
    return got.json["choices"][0];
  }
  Json message(std::string_view more = "") {
    const Got got = post("/v1/messages", anthropic(more));
    EXPECT_EQ(200, got.status) << got.body;
    return got.json;
  }
};

TEST_F(ToolCallsTest, AreAnsweredInOpenAisWords) {
  speaker_.say("<think>\nhm\n</think>\n\n" + call_ + "\n" + call_);
  const Json got = choice();
  EXPECT_EQ("tool_calls", got["finish_reason"]);
  EXPECT_TRUE(got["message"]["content"].is_null());
  EXPECT_EQ("hm", got["message"]["reasoning_content"]);
  ASSERT_EQ(2u, got["message"]["tool_calls"].size());
  const Json& call = got["message"]["tool_calls"][1];
  EXPECT_EQ("function", call["type"]);
  EXPECT_EQ("weather", call["function"]["name"]);
  EXPECT_EQ(R"({"city": "서울"})", call["function"]["arguments"]);
  EXPECT_NE(call["id"], got["message"]["tool_calls"][0]["id"]);
  EXPECT_FALSE(choice(R"(,"include_reasoning":false)")["message"].contains("reasoning"));
  EXPECT_EQ(1u, choice(R"(,"parallel_tool_calls":false)")["message"]["tool_calls"].size());
  EXPECT_EQ(call_ + "\n" + call_, choice(R"(,"tool_choice":"none")")["message"]["content"]) << "no tools, no calls";
  const Json cut = choice(R"(,"max_tokens":69)");
  EXPECT_EQ("length", cut["finish_reason"]);
  EXPECT_EQ("{\"ci", cut["message"]["tool_calls"][0]["function"]["arguments"]);
}

/// A streamed answer put together as clients do it.
Json joined(const std::vector<Json>& events) {
  Json message{{"content", ""}, {"reasoning", ""}, {"calls", Json::array()}, {"finish", nullptr}};
  const auto add = [](Json& to, const Json& more) { to.get_ref<std::string&>() += more.get<std::string>(); };
  for (const Json& event : events) {
    const Json& one = event["choices"][0];
    const Json& delta = one["delta"];
    if (!one["finish_reason"].is_null()) message["finish"] = one["finish_reason"];
    if (delta.contains("content")) add(message["content"], delta["content"]);
    if (delta.contains("reasoning")) add(message["reasoning"], delta["reasoning"]);
    if (!delta.contains("tool_calls")) continue;
    const Json& call = delta["tool_calls"][0];
    const auto index = call["index"].get<size_t>();
    EXPECT_EQ(call.contains("id"), index == message["calls"].size()) << "the id comes first and once";
    if (call.contains("id")) message["calls"].push_back({{"name", call["function"]["name"]}, {"arguments", ""}});
    add(message["calls"].at(index)["arguments"], call["function"]["arguments"]);
  }
  return message;
}

TEST_F(ToolCallsTest, StreamAsTheyComeInOpenAisWords) {
  speaker_.say("<think>\nhm\n</think>\n\nI look. " + call_ + call_);
  const std::vector<Json> events = stream("/v1/chat/completions", openai(R"(,"stream":true)"));
  const Json call{{"name", "weather"}, {"arguments", R"({"city": "서울"})"}};
  EXPECT_EQ(
      (Json{
          {"content", "I look."}, {"reasoning", "hm"}, {"calls", Json::array({call, call})}, {"finish", "tool_calls"}}),
      joined(events));
  int pieces = 0;
  for (const Json& event : events) pieces += event["choices"][0]["delta"].contains("tool_calls") ? 1 : 0;
  EXPECT_GT(pieces, 10) << "arguments come as the model writes them";
  EXPECT_TRUE(events.back()["choices"][0]["delta"].empty());
  const Json hidden = joined(stream("/v1/chat/completions", openai(R"(,"stream":true,"include_reasoning":false)")));
  EXPECT_EQ("", hidden["reasoning"]);
}

TEST_F(ToolCallsTest, AreAnsweredInAnthropicsWords) {
  speaker_.say("<think>\nhm\n</think>\n\nI look. " + call_);
  const Json got = message(R"(,"thinking":{"type":"enabled","budget_tokens":1024})");
  EXPECT_EQ("tool_use", got["stop_reason"]);
  ASSERT_EQ(3u, got["content"].size()) << got;
  EXPECT_EQ("hm", got["content"][0]["thinking"]);
  EXPECT_EQ("I look.", got["content"][1]["text"]);
  EXPECT_EQ("weather", got["content"][2]["name"]);
  EXPECT_EQ((Json{{"city", "서울"}}), got["content"][2]["input"]);
  EXPECT_EQ(2u, message()["content"].size()) << "thinking was not asked for";
}

TEST_F(ToolCallsTest, StreamInAnthropicsWords) {
  speaker_.say("<think>\nhm\n</think>\n\n" + call_);
  http::TestClient client(port());
  client.post("/v1/messages", anthropic(R"(,"stream":true,"thinking":{"type":"enabled"})"));
  const std::string all = client.read_until("\r\n0\r\n\r\n");
  std::string types, input;
  for (size_t at = all.find("data: {"); at != std::string::npos; at = all.find("data: {", at + 1)) {
    const Json event = parse_json(all.substr(at + 6, all.find("\n\n", at) - at - 6), "event").value();
    if (event["type"] == "content_block_start") types += event["content_block"]["type"].get<std::string>() + " ";
    if (event["type"] == "content_block_delta") input += event["delta"].value("partial_json", "");
    if (event["type"] == "message_delta") types += event["delta"]["stop_reason"];
  }
  EXPECT_EQ("thinking tool_use tool_use", types);
  EXPECT_EQ(R"({"city": "서울"})", input);
}

TEST_F(ToolCallsTest, WhatToolsReturnedGoesBackToTheModel) {
  speaker_.say("3 °C");
  const std::string history =
      R"({"model":"tiny","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[
          {"id":"c","type":"function","function":{"name":"weather","arguments":"{\"city\": \"서울\"}"}}]},
          {"role":"tool","tool_call_id":"c","content":"3"}],"tools":[)" +
      std::string(kTool) + "]}";
  const Got got = post("/v1/chat/completions", history);
  ASSERT_EQ(200, got.status) << got.body;
  EXPECT_EQ("3 °C", got.json["choices"][0]["message"]["content"]);
  EXPECT_EQ("stop", got.json["choices"][0]["finish_reason"]);
  const Got same = post("/v1/messages", R"({"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"hi"},
      {"role":"assistant","content":[{"type":"tool_use","id":"c","name":"weather","input":{"city":"서울"}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"3"}]}],
      "tools":[{"name":"weather","input_schema":{"type":"object"}}]})");
  ASSERT_EQ(200, same.status) << same.body;
  EXPECT_EQ(got.json["usage"]["prompt_tokens"], same.json["usage"]["input_tokens"]) << "the same prompt";
}

TEST_F(ToolCallsTest, ThoughtsAreLeftOutInOllamasWordsToo) {
  speaker_.say("<think>\nhm\n</think>\n\nso");
  const auto said = [&](const char* think) {
    return post("/api/chat", R"({"model":"tiny","stream":false,"messages":[{"role":"user","content":"hi"}])" +
                                 std::string(think) + "}")
        .json["message"];
  };
  EXPECT_EQ("hm", said("").value("thinking", "").substr(0, 2));
  EXPECT_EQ("hm", said(R"(,"think":true)").value("thinking", "").substr(0, 2));
  EXPECT_FALSE(said(R"(,"think":false)").contains("thinking"));
  EXPECT_EQ("so", said(R"(,"think":false)")["content"]);
}

TEST_F(ToolCallsTest, ACallThatMustBeMadeIsOne) {
  speaker_.say("nothing of the kind");
  for (const char* tool_choice : {R"("required")", R"({"type":"function","function":{"name":"weather"}})"}) {
    const Json got =
        choice(R"(,"max_tokens":300,"parallel_tool_calls":false,"tool_choice":)" + std::string(tool_choice));
    ASSERT_EQ(1u, got["message"]["tool_calls"].size()) << got;
    EXPECT_EQ("weather", got["message"]["tool_calls"][0]["function"]["name"]);
    EXPECT_EQ("tool_calls", got["finish_reason"]);
  }
  const Json any = message(R"(,"tool_choice":{"type":"any","disable_parallel_tool_use":true})");
  EXPECT_EQ("tool_use", any["stop_reason"]) << any;
}

// As agents ask: call the tools as often as they help, then answer in this form.
TEST_F(ToolCallsTest, AFormOfTheTextLeavesCallsAsTheyAre) {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"const":7}},"required":["a"],"additionalProperties":false})";
  const std::string form =
      R"(,"max_tokens":300,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":)" + schema +
      "}}";
  const std::string output = R"(,"output_config":{"format":{"type":"json_schema","schema":)" + schema + "}}";
  const std::string call = "<tool_call>\n" + call_.substr(11, call_.size() - 23) + "\n</tool_call>";  // as it is held
  for (const bool strict : {false, true}) {
    const std::string tools = strict ? R"(,"tools":[{"type":"function","function":{"name":"weather","strict":true,
        "parameters":{"type":"object","properties":{"city":{"type":"string"}},"additionalProperties":false}}}])"
                                     : "";
    speaker_.say(call);
    const Json called = choice(form + tools);
    EXPECT_EQ("tool_calls", called["finish_reason"]) << called;
    EXPECT_EQ(R"({"city": "서울"})", called["message"]["tool_calls"][0]["function"]["arguments"]) << called;
    speaker_.say(R"({"a": 7})");
    EXPECT_EQ(R"({"a": 7})", choice(form + tools)["message"]["content"]);
    speaker_.say("nothing of the kind");
    // What it may say is as likely: the form, or a call whose text may be longer than there is room for.
    const Json held = choice(form + tools)["message"];
    if (held["content"].is_string())
      EXPECT_EQ((Json{{"a", 7}}), parse_json(held["content"].get<std::string>(), "").value()) << held;
    else
      EXPECT_EQ("weather", held["tool_calls"][0]["function"]["name"]) << held;
  }
  speaker_.say(call);
  EXPECT_EQ("tool_use", message(output)["stop_reason"]);
  EXPECT_EQ("tool_calls", choice(R"(,"response_format":{"type":"json_object"})")["finish_reason"]);
  for (const char* must :
       {R"(,"tool_choice":"required")", R"(,"tool_choice":{"type":"function","function":{"name":"weather"}})"})
    EXPECT_EQ("tool_calls", choice(form + must)["finish_reason"]) << must;
  EXPECT_EQ("tool_use", message(output + R"(,"tool_choice":{"type":"any"})")["stop_reason"]);
  speaker_.say(R"({"a": 7})");
  EXPECT_EQ(R"({"a": 7})", message(output)["content"][0]["text"]);
  EXPECT_EQ(400, post("/v1/chat/completions", openai(R"(,"tool_choice":"required","guided_regex":"a")")).status);
}

TEST_F(ToolCallsTest, AnswersHaveTheFormThatIsAskedFor) {
  speaker_.say("nothing of the kind");
  const auto content = [&](const std::string& form) {
    const Got got =
        post("/v1/chat/completions",
             R"({"model":"tiny","max_tokens":300,"messages":[{"role":"user","content":"hi"}],)" + form + "}");
    EXPECT_EQ(200, got.status) << got.body;
    return got.status == 200 ? got.json["choices"][0]["message"]["content"].get<std::string>() : "";
  };
  EXPECT_EQ("yes", content(R"("guided_choice":["yes"])"));
  EXPECT_EQ("abab", content(R"("structured_outputs":{"regex":"(ab){2}"})"));
  const std::string object = content(R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":
      {"type":"object","properties":{"a":{"const":7}},"required":["a"],"additionalProperties":false}}})");
  EXPECT_EQ((Json{{"a", 7}}), parse_json(object, "").value());
  EXPECT_EQ("ok", content(R"("nvext":{"guided_grammar":"root ::= \"ok\""})"));
  const Got two = post("/v1/chat/completions", R"({"model":"tiny","messages":[{"role":"user","content":"hi"}],
      "guided_regex":"a","response_format":{"type":"json_object"}})");
  EXPECT_EQ(400, two.status);
  EXPECT_EQ("guided_regex", two.json["error"]["param"]);
}

}  // namespace
}  // namespace maru::api
