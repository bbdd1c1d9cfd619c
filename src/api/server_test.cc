#include "api/server.h"

#include <gtest/gtest.h>

#include <set>

#include "api/test_server.h"
#include "base/json.h"
#include "http/test_client.h"

namespace maru::api {
namespace {

using std::chrono::milliseconds;

TEST_F(ServeTest, AnswersAChat) {
  const Got got = post("/v1/chat/completions", chat());
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json["object"], "chat.completion");
  EXPECT_EQ(got.json["model"], "tiny");
  const Json& choice = got.json["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_EQ(choice["message"]["content"].get<std::string>().size(), 12u);
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_TRUE(choice["logprobs"].is_null());
  EXPECT_EQ(got.json["usage"]["completion_tokens"], 12);
  EXPECT_EQ(got.json["usage"]["total_tokens"], got.json["usage"]["prompt_tokens"].get<int>() + 12);
  EXPECT_NE(got.head.find("X-Request-Id: chatcmpl-"), std::string::npos);
}

/// Two models, the second of a dialect of its own: each request finds its own, and both count apart.
TEST_F(ServeTest, ServesSeveralModels) {
  infer::FakeModel other;
  other.only_letters = true;
  server_ = std::make_unique<ApiServer>(config_, context_, [&](serving::ModelHost& host) {
    host.add(fake_parts(model_, tokenizer_, &chat_template_));
    host.add(fake_parts(other, tokenizer_, nullptr, "other"));
  });
  EXPECT_EQ(get("/v1/models").json["data"].size(), 2u);
  EXPECT_EQ(get("/v1/models/other").json["id"], "other");
  EXPECT_EQ(get("/v1/maru/status").json["models"], Json::array({"tiny", "other"}));
  const Got got = post("/v1/completions", R"({"model":"other","prompt":"a","max_tokens":4})");
  EXPECT_EQ(got.json["model"], "other");
  EXPECT_EQ(post("/v1/chat/completions", chat()).json["model"], "tiny");
  EXPECT_GT(model_.steps, 0);
  EXPECT_GT(other.steps, 0);
  // A step's tokens are counted behind the answer that they end.
  const auto counts = [&](const std::string& line) {
    return http::eventually([&] { return get("/v1/metrics").body.find(line) != std::string::npos; });
  };
  EXPECT_TRUE(counts("maru_generated_tokens_total{model=\"other\"} 4"));
  EXPECT_TRUE(counts("maru_generated_tokens_total{model=\"tiny\"} 12"));
  EXPECT_EQ(post("/v1/completions", R"({"model":"third","prompt":"a"})").json["error"]["code"], "model_not_found");
}

TEST_F(ServeTest, StreamsWhatItWouldAnswerWhole) {
  const Got whole = post("/v1/chat/completions", chat(R"(,"n":2)"));
  const auto events =
      stream("/v1/chat/completions", chat(R"(,"n":2,"stream":true,"stream_options":{"include_usage":true})"));
  std::vector<std::string> texts(2), finishes(2), roles(2);
  for (const Json& event : events)
    for (const Json& choice : event["choices"]) {
      const auto i = choice["index"].get<size_t>();
      if (choice["delta"].contains("role")) roles[i] += choice["delta"]["role"];
      if (choice["delta"].contains("content")) texts[i] += choice["delta"]["content"];
      if (!choice["finish_reason"].is_null()) finishes[i] += choice["finish_reason"];
    }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(texts[i], whole.json["choices"][i]["message"]["content"]);
    EXPECT_EQ(finishes[i], "length");
    EXPECT_EQ(roles[i], "assistant");
  }
  EXPECT_EQ(events.back()["usage"]["prompt_tokens_details"]["cached_tokens"], 16) << "the same prompt, once more";
  for (const char* count : {"prompt_tokens", "completion_tokens", "total_tokens"})
    EXPECT_EQ(events.back()["usage"][count], whole.json["usage"][count]);
  EXPECT_TRUE(events.back()["choices"].empty());
  EXPECT_TRUE(events.front()["usage"].is_null());
}

TEST_F(ServeTest, GivesChatLogprobs) {
  const Got got = post("/v1/chat/completions", chat(R"(,"logprobs":true,"top_logprobs":2)"));
  const Json& content = got.json["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 12u);
  std::string text;
  for (const Json& entry : content) {
    text += entry["token"];
    EXPECT_LE(entry["logprob"].get<double>(), 0);
    EXPECT_EQ(entry["bytes"].size(), 1u);
    EXPECT_EQ(entry["top_logprobs"].size(), 2u);
  }
  EXPECT_EQ(text, got.json["choices"][0]["message"]["content"]);
}

TEST_F(ServeTest, CompletesSeveralPromptsWithEchoAndLogprobs) {
  const Got got =
      post("/v1/completions",
           R"({"model":"tiny","prompt":["ab","c"],"max_tokens":3,"n":2,"echo":true,"logprobs":1,"seed":3})");
  ASSERT_EQ(got.status, 200) << got.body;
  ASSERT_EQ(got.json["choices"].size(), 4u);
  const Json& second = got.json["choices"][2];
  EXPECT_EQ(second["index"], 2);
  EXPECT_EQ(second["text"].get<std::string>().substr(0, 1), "c");
  const Json& logprobs = got.json["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"],
            (Json{"<|begin_of_text|>", "a", "b", logprobs["tokens"][3], logprobs["tokens"][4], logprobs["tokens"][5]}));
  EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
  EXPECT_TRUE(logprobs["token_logprobs"][1].is_number());
  EXPECT_EQ(logprobs["text_offset"], (Json{0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(got.json["usage"]["prompt_tokens"], 5);
  EXPECT_EQ(got.json["usage"]["completion_tokens"], 12);

  const auto events = stream("/v1/completions", R"({"model":"tiny","prompt":"ab","max_tokens":3,"echo":true,)"
                                                R"("logprobs":1,"seed":3,"stream":true})");
  std::string text;
  Json offsets = Json::array();
  for (const Json& event : events) {
    text += event["choices"][0]["text"];
    for (const Json& offset : event["choices"][0]["logprobs"]["text_offset"]) offsets.push_back(offset);
  }
  EXPECT_EQ(text, got.json["choices"][0]["text"]);
  EXPECT_EQ(offsets, logprobs["text_offset"]);
}

// Tokens of single bytes: 가 is three of them, and the text counts characters.
TEST_F(ServeTest, CountsTheTextInCharacters) {
  const std::string body = R"({"model":"tiny","prompt":"a가🙂b","max_tokens":2,"echo":true,"logprobs":3,"seed":3)";
  const Json expected{0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5};
  const Json logprobs = post("/v1/completions", body + "}").json["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["text_offset"], expected);
  EXPECT_EQ(logprobs["tokens"][2], R"(bytes:\xEA)");
  EXPECT_EQ(logprobs["tokens"][3], R"(bytes:\xB0)");
  EXPECT_EQ(logprobs["tokens"][9], "b");
  Json offsets = Json::array();
  for (const Json& event : stream("/v1/completions", body + R"(,"stream":true})"))
    for (const Json& offset : event["choices"][0]["logprobs"]["text_offset"]) offsets.push_back(offset);
  EXPECT_EQ(offsets, expected);
}

TEST_F(ServeTest, EveryLikelyTokenHasAKeyOfItsOwn) {
  model_.only_letters = false;  // most tokens are parts of characters
  const Json logprobs =
      post("/v1/completions",
           R"({"model":"tiny","prompt":"ab","max_tokens":20,"logprobs":20,"seed":3,"ignore_eos":true})")
          .json["choices"][0]["logprobs"];
  size_t partial = 0;
  for (const Json& top : logprobs["top_logprobs"]) {
    EXPECT_EQ(top.size(), 20u);
    for (const auto& [token, logprob] : top.items()) partial += token.starts_with("bytes:\\x") ? 1 : 0;
  }
  EXPECT_GT(partial, 100u);
  const Json chosen = post("/v1/chat/completions", chat(R"(,"logprobs":true,"top_logprobs":20,"ignore_eos":true)"))
                          .json["choices"][0]["logprobs"]["content"];
  for (const Json& entry : chosen) {
    std::set<std::string> tokens;
    for (const Json& other : entry["top_logprobs"]) tokens.insert(other["token"].get<std::string>());
    EXPECT_EQ(tokens.size(), 20u);
  }
}

TEST_F(ServeTest, SaysWhatItDoesOtherwiseThanItWasAsked) {
  const std::string more = R"({"model":"tiny","max_tokens":1024,"messages":[{"role":"user","content":"hi"},)"
                           R"({"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",)"
                           R"("function":{"name":"f","arguments":"{\"a\": "}}]}])";
  const Got got = post("/v1/chat/completions", more + "}");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json["choices"][0]["finish_reason"], "length");
  ASSERT_EQ(got.json["warnings"].size(), 2u);
  EXPECT_EQ(got.json["warnings"][0],
            "messages[1].tool_calls[0].function.arguments: not the text of a JSON object; the model is shown {}");
  EXPECT_EQ(got.json["usage"]["total_tokens"], 512);
  EXPECT_NE(got.head.find("X-Maru-Warning: messages[1].tool_calls[0].function.arguments: "), std::string::npos);
  EXPECT_NE(got.head.find(" (and 1 more)\r\n"), std::string::npos);
  const auto events = stream("/v1/chat/completions", more + R"(,"stream":true})");
  EXPECT_EQ(events[0]["warnings"], got.json["warnings"]);
  EXPECT_FALSE(events[1].contains("warnings"));
  EXPECT_FALSE(post("/v1/chat/completions", chat()).json.contains("warnings"));
}

TEST_F(ServeTest, ListsItsModel) {
  const Got list = get("/v1/models");
  EXPECT_EQ(list.json["data"][0]["id"], "tiny");
  EXPECT_EQ(get("/v1/models/tiny").json["max_model_len"], 512);
  EXPECT_EQ(get("/v1/models/other").json["error"]["code"], "model_not_found");
  const Got wrong = post("/v1/chat/completions", R"({"model":"x","messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(wrong.status, 404);
  EXPECT_EQ(wrong.json["error"]["code"], "model_not_found");
}

TEST_F(ServeTest, GivesErrorsInOpenAiForm) {
  const Got got = post("/v1/chat/completions", chat(R"(,"tempature":1)"));
  EXPECT_EQ(got.status, 400);
  EXPECT_EQ(got.json["error"]["param"], "tempature");
  EXPECT_EQ(got.json["error"]["type"], "invalid_request_error");
  EXPECT_EQ(get("/v1/nothing").json["error"]["code"], "unknown_url");
  EXPECT_EQ(get("/v1/chat/completions").status, 405);
}

TEST_F(ServeTest, AFailureBecomesAnErrorOrAnErrorEvent) {
  model_.fail_next = true;
  EXPECT_EQ(post("/v1/chat/completions", chat()).status, 500);
  model_.fail_next = true;
  http::TestClient client(port());
  client.post("/v1/chat/completions", chat(R"(,"stream":true)"));
  EXPECT_NE(client.read_until("0\r\n\r\n").find("data: {\"error\":{\"message\":\"planned failure\""),
            std::string::npos);
  EXPECT_EQ(post("/v1/chat/completions", chat()).status, 200);
}

TEST_F(ServeTest, AClientThatLeavesFreesItsWork) {
  model_.delay_ms = 3;
  for (const char* more : {R"(,"stream":true)", ""}) {
    http::TestClient client(port());
    client.post(
        "/v1/chat/completions",
        R"({"model":"tiny","ignore_eos":true,"messages":[{"role":"user","content":"hi"}])" + std::string(more) + "}");
    ASSERT_TRUE(http::eventually([&] { return server_->models().stats().pages_used > 0; }));
    client.close();
    const int64_t before = server_->models().stats().generated_tokens;
    EXPECT_TRUE(free_again());
    EXPECT_LT(server_->models().stats().generated_tokens, before + 100);
  }
}

TEST_F(ServeTest, RefusesWhenFull) {
  model_.delay_ms = 3;
  http::TestClient large(port()), small(port());
  large.post("/v1/chat/completions",
             R"({"model":"tiny","ignore_eos":true,"n":6,"messages":[{"role":"user","content":"hi"}]})");
  ASSERT_TRUE(http::eventually([&] { return server_->models().stats().running == 4; }));
  small.post("/v1/completions", R"({"model":"tiny","ignore_eos":true,"prompt":["a","b"],"max_tokens":400})");
  EXPECT_TRUE(small.read_response().starts_with("HTTP/1.1 429 ")) << "the last quarter is for single choices";
  small.post("/v1/completions", R"({"model":"tiny","ignore_eos":true,"prompt":"b","max_tokens":400})");
  http::TestClient other(port());
  other.post("/v1/completions", R"({"model":"tiny","ignore_eos":true,"prompt":"c","max_tokens":400})");
  ASSERT_TRUE(http::eventually([&] { return server_->models().stats().waiting == 4; }));
  const Got got = post("/v1/chat/completions", chat());
  EXPECT_EQ(got.status, 429);
  EXPECT_NE(got.head.find("Retry-After: "), std::string::npos);
  EXPECT_EQ(got.json["error"]["type"], "rate_limit_error");
  for (http::TestClient* client : {&large, &small, &other}) client->close();
  EXPECT_TRUE(free_again());
}

TEST_F(ServeTest, WantsAKeyWhenItHasOne) {
  context_.api_keys = {"secret"};
  EXPECT_EQ(get("/v1/models").status, 401);
  EXPECT_EQ(get("/v1/models", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(get("/v1/metrics").status, 401);
  EXPECT_EQ(get("/v1/health/live").status, 200);
  EXPECT_EQ(get("/v1/health/ready").json["ready"], true);
}

TEST_F(ServeTest, NeedsAKeyBeyondLoopback) {
  config_.http.address = "0.0.0.0";
  EXPECT_THROW(start(), Failure);
  context_.api_keys = {"secret"};
  EXPECT_GT(start(), 0);
}

TEST_F(ServeTest, CountsWhatItDoes) {
  post("/v1/chat/completions", chat());
  post("/v1/chat/completions", "{");
  for (const char* line : {
           "maru_http_requests_total{code=\"200\",method=\"POST\",route=\"/v1/chat/completions\"} 1",
           "maru_http_requests_total{code=\"400\",method=\"POST\",route=\"/v1/chat/completions\"} 1",
           "maru_generated_tokens_total{model=\"tiny\"} 12",
           "maru_time_to_first_token_seconds_count{model=\"tiny\"} 1",
           "maru_inter_token_seconds_count{model=\"tiny\"} 11",
           "maru_kv_pages{model=\"tiny\"} 64",
           "maru_kv_pages_used{model=\"tiny\"} 0",
       })
    EXPECT_TRUE(http::eventually([&] { return get("/v1/metrics").body.find(line) != std::string::npos; }))
        << line << "\n"
        << get("/v1/metrics").body;
}

TEST_F(ServeTest, CountsWhatEachKeyHasRunning) {
  const std::string key = "Authorization: Bearer secret\r\n";
  context_.api_keys = {"secret"};
  start();
  model_.delay_ms = 5;
  const auto says = [&](const std::string& line) {
    http::TestClient scraper(port());
    scraper.get("/metrics", key + "Connection: close\r\n");
    return scraper.read_all().find(line) != std::string::npos;
  };
  http::TestClient client(port());
  client.post("/v1/chat/completions", chat(R"(,"stream":true)"), key);
  client.read_until("assistant");
  EXPECT_TRUE(says("\nmaru_key_choices{key=\"#1\"} 1\n"));
  client.read_until("[DONE]");
  EXPECT_TRUE(http::eventually([&] { return says("\nmaru_key_choices{key=\"#1\"} 0\n"); }));
}

TEST_F(ServeTest, DrainsWithoutCuttingAnAnswer) {
  model_.delay_ms = 5;
  http::TestClient client(port());
  client.post("/v1/chat/completions", chat(R"(,"stream":true)"));
  client.get("/v1/health/ready");
  client.read_until("assistant");
  EXPECT_TRUE(server_->drain(milliseconds(10'000)));
  const std::string rest = client.read_all();
  EXPECT_NE(rest.find("[DONE]"), std::string::npos);
  EXPECT_NE(rest.find("HTTP/1.1 503 "), std::string::npos) << "ready while draining";
  EXPECT_NE(rest.find("\"ready\":false"), std::string::npos);
}

TEST_F(ServeTest, SaysHowItIs) {
  context_.home = fs::temp_directory_path() / ("maru-serve-status-" + std::to_string(::getpid()));
  EXPECT_EQ(get("/v1/maru/status").json["model"], "tiny");
  EXPECT_EQ(get("/v1/maru/runs").json["data"].size(), 0u) << "a home that is not there yet";
}

std::string keys_of(const Json& object) {
  std::string keys;
  for (const auto& one : object.items()) keys += (keys.empty() ? "" : " ") + one.key();
  return keys;
}

TEST_F(ServeTest, KeysComeInTheOrderOfTheTables) {
  const Json card = get("/v1/models/tiny").json;
  EXPECT_EQ("id object created owned_by root parent max_model_len maru", keys_of(card));
  EXPECT_EQ(Json::object(), card["maru"]) << "nothing is known of it";
  EXPECT_EQ("version isa threads model models uptime_seconds choices_running choices_waiting kv_pages kv_pages_used",
            keys_of(get("/v1/maru/status").json));
}

// What no option of the command line lets through, no path of a request does either.
TEST_F(ServeTest, NamesInPathsFollowTheRuleOfNames) {
  context_.home = fs::temp_directory_path() / ("maru-serve-names-" + std::to_string(::getpid()));
  for (const char* name : {"%2e", "%2e%2e", "..%2f..", "%2fetc", "a%2fb", "a%5cb", "%00", "a%00b", "a%0ab", "a%7f",
                           "%c2%85", "%e2%80%ae", "%ff", "%c0%ae%c0%ae", "x.tmp-1", "x.old-22", ".x.lock"}) {
    const std::string base = std::string("/v1/maru/");
    const int status = std::string_view(name).find("%2f") == std::string_view::npos ? 400 : 404;  // a '/' is no route
    for (const std::string& path : {base + "runs/" + name + "/metrics", base + "datasets/" + name + "/report",
                                    base + "models/" + name + "/manifest", base + "models/" + name + "/evaluation"})
      EXPECT_EQ(get(path).status, status) << path;
  }
  EXPECT_EQ(get("/v1/maru/models/" + std::string(201, 'a') + "/manifest").status, 400);
  EXPECT_EQ(get("/v1/maru/models/%ed%95%9c/manifest").status, 404) << "a good name, and no model";
}

}  // namespace
}  // namespace maru::api
