// Anthropic's words beside OpenAI's over the same model.
#include "api/test_server.h"

namespace maru::api {
namespace {

class MessagesTest : public ServeTest {
 protected:
  std::string messages(std::string_view more = "", std::string_view content = "\"hi\"") {
    return R"({"model":"tiny","max_tokens":12,"messages":[{"role":"user","content":)" + std::string(content) + "}]" +
           std::string(more) + "}";
  }
};

TEST_F(MessagesTest, AnswersInAnthropicsWords) {
  const Got got = post("/v1/messages", messages(R"(,"temperature":0)"));
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json["type"], "message");
  EXPECT_EQ(got.json["role"], "assistant");
  EXPECT_EQ(got.json["model"], "tiny");
  EXPECT_EQ(got.json["stop_reason"], "max_tokens");
  EXPECT_TRUE(got.json["stop_sequence"].is_null());
  EXPECT_EQ(got.json["usage"]["output_tokens"], 12);
  const std::string text = got.json["content"][0]["text"];
  EXPECT_EQ(text.size(), 12u);
  // The same prompt in OpenAI's words gives the same answer: it is one model behind both.
  const Got other = post("/v1/chat/completions", chat(R"(,"temperature":0)"));
  EXPECT_EQ(other.json["choices"][0]["message"]["content"], text);
  EXPECT_EQ(other.json["usage"]["prompt_tokens"], got.json["usage"]["input_tokens"]);
  // It ends before a stop sequence and says which.
  const Json stops = Json::array({"never", text.substr(4, 3)});
  const Got stopped = post("/v1/messages", messages(R"(,"temperature":0,"stop_sequences":)" + stops.dump()));
  EXPECT_EQ(stopped.json["stop_reason"], "stop_sequence");
  EXPECT_EQ(stopped.json["stop_sequence"], text.substr(4, 3));
  EXPECT_EQ(stopped.json["content"][0]["text"], text.substr(0, text.find(text.substr(4, 3))));
}

TEST_F(MessagesTest, StreamsNamedEvents) {
  const std::string whole = post("/v1/messages", messages(R"(,"temperature":0)")).json["content"][0]["text"];
  http::TestClient client(port());
  client.post("/v1/messages", messages(R"(,"temperature":0,"stream":true)"));
  const std::string all = client.read_until("\r\n0\r\n\r\n");
  std::vector<std::string> names;
  std::string text, reason;
  for (size_t at = all.find("event: "); at != std::string::npos; at = all.find("event: ", at + 1)) {
    names.push_back(all.substr(at + 7, all.find('\n', at) - at - 7));
    const size_t data = all.find("data: ", at) + 6;
    const Json event = parse_json(all.substr(data, all.find("\n\n", data) - data), "event").value();
    EXPECT_EQ(event["type"], names.back());
    if (names.back() == "content_block_delta") text += event["delta"]["text"];
    if (names.back() == "message_delta") reason = event["delta"]["stop_reason"];
  }
  EXPECT_EQ(text, whole);
  EXPECT_EQ(reason, "max_tokens");
  ASSERT_GE(names.size(), 6u);
  EXPECT_EQ(names[0], "message_start");
  EXPECT_EQ(names[1], "content_block_start");
  EXPECT_EQ((std::vector<std::string>(names.end() - 3, names.end())),
            (std::vector<std::string>{"content_block_stop", "message_delta", "message_stop"}));
}

// In the words by which Anthropic's clients send the whole conversation instead.
TEST_F(MessagesTest, ConversationsAreNotKept) {
  const Got got = post("/v1/messages", messages(R"(,"thread":{"type":"create"})"));
  EXPECT_EQ(400, got.status);
  const Json details{{"error_code", "thread_unsupported_request"}, {"unsupported", {"thread"}}};
  EXPECT_EQ(details, got.json["error"]["details"]) << got.body;
  EXPECT_FALSE(post("/v1/messages", messages(R"(,"container":"c")")).json["error"].contains("details"));
  EXPECT_EQ(200, post("/v1/messages", messages(R"(,"thread":null)")).status);
}

TEST_F(MessagesTest, AStreamEndsAsTheWholeAnswerDoes) {
  const std::string text = post("/v1/messages", messages(R"(,"temperature":0)")).json["content"][0]["text"];
  for (const std::string& stops : {std::string("[]"), Json::array({text.substr(4, 3)}).dump()}) {
    const std::string more = R"(,"temperature":0,"stop_sequences":)" + stops;
    const Json whole = post("/v1/messages", messages(more)).json;
    http::TestClient client(port());
    client.post("/v1/messages", messages(more + R"(,"stream":true)"));
    const std::string all = client.read_until("\r\n0\r\n\r\n");
    const size_t at = all.find("data: ", all.find("event: message_delta")) + 6;
    const Json end = parse_json(all.substr(at, all.find("\n\n", at) - at), "event").value();
    for (const char* field : {"stop_reason", "stop_sequence"}) EXPECT_EQ(whole[field], end["delta"][field]) << stops;
    EXPECT_EQ(whole["usage"]["output_tokens"], end["usage"]["output_tokens"]);
  }
}

TEST_F(MessagesTest, RefusesInItsOwnForm) {
  context_.api_keys = {"secret"};
  const Got none = post("/v1/messages", messages());
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.json["type"], "error");
  EXPECT_EQ(none.json["error"]["type"], "authentication_error");
  const std::string key = "x-api-key: secret\r\n";
  EXPECT_EQ(post("/v1/messages", messages(), key).status, 200);
  EXPECT_EQ(post("/v1/messages", messages(), "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(post("/v1/chat/completions", chat(), key).status, 401) << "another dialect puts keys elsewhere";
  EXPECT_EQ(get("/v1/messages", key).json["error"]["type"], "invalid_request_error") << "405 in its form";
  const Got image = post("/v1/messages", messages("", R"([{"type":"image","source":{}}])"), key);
  EXPECT_EQ(image.status, 400);
  EXPECT_NE(image.body.find("messages[0].content[0].type"), std::string::npos) << image.body;
  model_.fail_next = true;
  const Got failed = post("/v1/messages", messages(), key);
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.json["error"]["type"], "api_error");
}

}  // namespace
}  // namespace maru::api
