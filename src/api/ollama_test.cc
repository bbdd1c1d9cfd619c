// Ollama's words beside OpenAI's over the same model.
#include "api/test_server.h"

namespace maru::api {
namespace {

class OllamaTest : public ServeTest {
 protected:
  static std::string chat(std::string_view more = "", std::string_view options = "") {
    return R"({"model":"tiny","messages":[{"role":"user","content":"hi"}],"options":{"temperature":0,"num_predict":12)" +
           std::string(options) + "}" + std::string(more) + "}";
  }
  static std::string prompt(std::string_view text, std::string_view more = "") {
    return R"({"model":"tiny","prompt":")" + std::string(text) + R"(","options":{"temperature":0,"num_predict":12})" +
           std::string(more) + "}";
  }
  /// The objects of a streamed answer: one on each line, and no line without one.
  std::vector<Json> lines(const std::string& path, const std::string& body) {
    http::TestClient client(port());
    client.post(path, body);
    const std::string all = client.read_until("\r\n0\r\n\r\n");
    EXPECT_NE(std::string::npos, all.find("Content-Type: application/x-ndjson\r\n")) << all;
    std::vector<Json> objects;
    for (size_t at = all.find("{\""); at != std::string::npos; at = all.find("\n{\"", at)) {
      at += all[at] == '\n' ? 1 : 0;
      objects.push_back(parse_json(all.substr(at, all.find('\n', at) - at), "line").value());
    }
    return objects;
  }
};

TEST_F(OllamaTest, AnswersInOllamasWords) {
  const Got got = post("/api/chat", chat(R"(,"stream":false)"));
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json["model"], "tiny");
  EXPECT_EQ(got.json["done"], true);
  EXPECT_EQ(got.json["done_reason"], "length");
  EXPECT_EQ(got.json["message"]["role"], "assistant");
  EXPECT_EQ(got.json["eval_count"], 12);
  EXPECT_NE(got.head.find("X-Request-Id: ollama-"), std::string::npos);
  for (const char* time : {"total_duration", "prompt_eval_duration", "eval_duration"})
    EXPECT_GT(got.json[time].get<int64_t>(), 0) << time;
  const std::string text = got.json["message"]["content"];
  EXPECT_EQ(text.size(), 12u);
  // The same prompt in OpenAI's words gives the same answer: it is one model behind both.
  const Got other = post("/v1/chat/completions", ServeTest::chat(R"(,"temperature":0)"));
  EXPECT_EQ(other.json["choices"][0]["message"]["content"], text);
  EXPECT_EQ(other.json["usage"]["prompt_tokens"], got.json["prompt_eval_count"]);
  EXPECT_EQ(post("/api/chat", chat(R"(,"stream":false)", R"(,"stop":[")" + text.substr(4, 3) + "\"]")).json["message"],
            (Json{{"role", "assistant"}, {"content", text.substr(0, text.find(text.substr(4, 3)))}}));
}

TEST_F(OllamaTest, StreamsUnlessToldOtherwise) {
  const std::string whole = post("/api/chat", chat(R"(,"stream":false)")).json["message"]["content"];
  const std::vector<Json> all = lines("/api/chat", chat());
  ASSERT_GE(all.size(), 3u);
  std::string text;
  for (const Json& line : all) {
    text += line["message"]["content"].get<std::string>();
    EXPECT_EQ(line["done"].get<bool>(), &line == &all.back());
    EXPECT_EQ(line.contains("eval_count"), &line == &all.back());
  }
  EXPECT_EQ(text, whole);
  EXPECT_EQ(all.back()["message"]["content"], "") << "some clients read no text where it is done";
}

TEST_F(OllamaTest, AnOldClientThatStillWaitsIsSentNothingThatBreaksALine) {
  model_.delay_ms = 20;
  http::TestClient client(port());
  client.post("/api/chat", chat());
  client.read_until("\r\n\r\n");
  client.shut_down();  // looks as if it were gone: it is sent something harmless
  const std::string all = client.read_until("\r\n0\r\n\r\n");
  EXPECT_NE(std::string::npos, all.find("1\r\n \r\n")) << all;
  EXPECT_EQ(std::string::npos, all.find(":\n\n"));
  EXPECT_EQ(std::string::npos, all.find("\n\n"));
  EXPECT_NE(std::string::npos, all.find(R"("done":true)"));
}

TEST_F(OllamaTest, GoesOnFromAContext) {
  const Got first = post("/api/generate", prompt("hi", R"(,"stream":false)"));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json["response"], post("/api/chat", chat(R"(,"stream":false)")).json["message"]["content"]);
  const std::string said = first.json["response"];
  const Got second =
      post("/api/generate", prompt("more", R"(,"stream":false,"context":)" + first.json["context"].dump()));
  ASSERT_EQ(second.status, 200) << second.body;
  // as if the conversation had been sent
  const Got as_chat = post("/api/chat", R"({"model":"tiny","stream":false,"options":{"temperature":0,"num_predict":12},
      "messages":[{"role":"user","content":"hi"},{"role":"assistant","content":")" +
                                            said + R"("},{"role":"user","content":"more"}]})");
  EXPECT_EQ(second.json["response"], as_chat.json["message"]["content"]);
  EXPECT_EQ(second.json["prompt_eval_count"], as_chat.json["prompt_eval_count"]);
  const std::vector<Json> streamed = lines("/api/generate", prompt("hi"));
  EXPECT_EQ(streamed.back()["context"], first.json["context"]) << "streamed or not";
  EXPECT_FALSE(post("/api/generate", prompt("hi", R"(,"stream":false,"raw":true)")).json.contains("context"));
}

TEST_F(OllamaTest, ListsAndShowsWhatIsServed) {
  const Got tags = get("/api/tags");
  ASSERT_EQ(tags.json["models"].size(), 1u);
  EXPECT_EQ(tags.json["models"][0]["name"], "tiny:latest");
  EXPECT_EQ(tags.json["models"][0]["digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(get("/api/ps").json["models"][0]["model"], "tiny:latest");
  EXPECT_TRUE(get("/api/version").json["version"].is_string());
  for (const char* body : {R"({"model":"tiny"})", R"({"name":"tiny:latest","verbose":true})"}) {
    const Got shown = post("/api/show", body);
    ASSERT_EQ(shown.status, 200) << shown.body;
    EXPECT_EQ(shown.json["capabilities"][0], "completion");
    EXPECT_GT(shown.json["model_info"]["maru.context_length"].get<int64_t>(), 0);
    EXPECT_NE(shown.json["template"].get<std::string>().find("im_start"), std::string::npos);
  }
  EXPECT_EQ(post("/api/show", R"({"model":"other"})").status, 404);
  EXPECT_EQ(post("/api/show", "{}").json["error"], "model is required");
  EXPECT_EQ(post("/api/chat", R"({"model":"tiny:latest","stream":false,"options":{"num_predict":1},
                                  "messages":[{"role":"user","content":"a"}]})")
                .json["model"],
            "tiny:latest");
  EXPECT_EQ(post("/api/chat", R"({"model":"tiny:7b","messages":[{"role":"user","content":"a"}]})").status, 404);
}

TEST_F(OllamaTest, RefusesInItsForm) {
  const Got failed = post("/api/chat", chat(R"(,"images":1)"));
  EXPECT_EQ(failed.status, 400);
  EXPECT_TRUE(failed.json["error"].is_string()) << failed.body;
  for (const char* path : {"/api/pull", "/api/push", "/api/create", "/api/copy"}) {
    const Got managed = post(path, R"({"model":"x"})");
    EXPECT_EQ(managed.status, 501) << path;
    EXPECT_NE(managed.json["error"].get<std::string>().find("maru models"), std::string::npos) << managed.body;
  }
  http::TestClient client(port());
  client.send("DELETE /api/delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(parse(client.read_response()).status, 501);
  EXPECT_EQ(get("/api/chat").status, 405);
  EXPECT_EQ(post("/api/embed", R"({"model":"tiny","input":"a"})").status, 404) << "it makes no vectors";
}

TEST_F(OllamaTest, LoadsWhatIsThereAndUnloadsNothing) {
  EXPECT_EQ(post("/api/generate", R"({"model":"tiny","stream":false})").json["done_reason"], "load");
  EXPECT_EQ(post("/api/chat", R"({"model":"tiny","messages":[],"keep_alive":-1})").json["done"], true);
  for (const char* none : {"0", R"("0")", R"("0s")"})
    EXPECT_EQ(post("/api/generate", R"({"model":"tiny","keep_alive":)" + std::string(none) + "}").status, 400) << none;
  EXPECT_EQ(post("/api/generate", R"({"model":"none"})").status, 404);
}

TEST_F(OllamaTest, WantsTheKey) {
  context_.api_keys = {"secret"};
  EXPECT_EQ(post("/api/chat", chat()).status, 401);
  EXPECT_TRUE(get("/api/tags").json["error"].is_string());
  EXPECT_EQ(get("/api/tags", "Authorization: Bearer secret\r\n").status, 200);
}

TEST_F(OllamaTest, AFailureInAStreamIsALine) {
  config_.request_timeout_seconds = 0.001;
  const std::vector<Json> all = lines("/api/chat", chat("", R"(,"num_predict":2000)"));
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(all.back()["error"].is_string()) << all.back().dump();
}

}  // namespace
}  // namespace maru::api
