#include "api/rates.h"

#include <unistd.h>

#include "api/test_server.h"
#include "base/hash.h"
#include "http/test_websocket.h"

namespace maru::api {
namespace {

class RatesTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    fs::create_directories(root_);
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(root_);
  }
  void keys(const std::string& limits) {
    config_.keys_file = (root_ / "keys.json").string();
    AtomicFile file(config_.keys_file, 0600);
    file.write(R"({"keys": [{"name": "a", "hash": ")" + sha256_hex("a-key") + "\", " + limits + "}]}");
    file.commit();
  }
  Got ask(const std::string& more = "") {
    return post("/v1/chat/completions", chat(more), "Authorization: Bearer a-key\r\n");
  }
  static std::string header(const Got& got, const std::string& name) {
    const size_t at = got.head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return got.head.substr(begin, got.head.find("\r\n", begin) - begin);
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_rates_" + std::to_string(::getpid()));
};

TEST_F(RatesTest, RequestsPerMinute) {
  keys(R"("requests_per_minute": 3)");
  const Got first = ask();
  EXPECT_EQ(200, first.status);
  EXPECT_EQ("3", header(first, "x-ratelimit-limit-requests"));
  EXPECT_EQ("2", header(first, "x-ratelimit-remaining-requests"));
  EXPECT_NE("", header(first, "x-ratelimit-reset-requests"));
  EXPECT_EQ("", header(first, "x-ratelimit-limit-tokens"));
  EXPECT_EQ(400, post("/v1/chat/completions", "{", "Authorization: Bearer a-key\r\n").status);
  const std::string message = R"({"model":"tiny","max_tokens":3,"messages":[{"role":"user","content":"hi"}]})";
  EXPECT_EQ(200, post("/v1/messages", message, "x-api-key: a-key\r\n").status)
      << "a failed one counted, and so does this";
  const Got refused = ask();
  EXPECT_EQ(429, refused.status);
  EXPECT_EQ("rate_limit_exceeded", refused.json["error"]["code"]);
  EXPECT_NE(refused.body.find("3 requests per minute (requests_per_minute): 3 of them are used"), std::string::npos)
      << refused.body;
  EXPECT_GE(std::stoi(header(refused, "Retry-After")), 15) << "a place every 20 s";
  EXPECT_LE(std::stoi(header(refused, "Retry-After")), 20);
  EXPECT_EQ("0", header(refused, "x-ratelimit-remaining-requests"));
  EXPECT_EQ("nosniff", header(refused, "X-Content-Type-Options"));
  EXPECT_EQ(429, post("/v1/messages", message, "x-api-key: a-key\r\n").status);
  EXPECT_EQ(200, get("/v1/models", "Authorization: Bearer a-key\r\n").status) << "looking costs nothing";
}

TEST_F(RatesTest, MessagesOfAWebSocketCount) {
  keys(R"("requests_per_minute": 2)");
  http::TestWebSocket socket(port(), "/v1/responses", "Authorization: Bearer a-key\r\n");
  const auto last = [&] {
    socket.say(R"({"type":"response.create","model":"tiny","input":"hi","max_output_tokens":2})");
    for (;;) {
      const Json event = parse_json(socket.next(), "event").value();
      if (event["type"] == "response.incomplete" || event["type"] == "error") return event;
    }
  };
  EXPECT_EQ("response.incomplete", last()["type"]);
  EXPECT_EQ("response.incomplete", last()["type"]);
  const Json refused = last();
  EXPECT_EQ(429, refused["status"]);
  EXPECT_EQ("rate_limit_exceeded", refused["error"]["code"]);
}

TEST_F(RatesTest, TokensPerMinute) {
  keys(R"("tokens_per_minute": 100)");
  const Got first = ask(R"(,"ignore_eos":true)");
  ASSERT_EQ(200, first.status);
  const int64_t used = first.json["usage"]["total_tokens"].get<int64_t>();
  EXPECT_EQ("100", header(first, "x-ratelimit-limit-tokens"));
  EXPECT_LE(std::stoi(header(first, "x-ratelimit-remaining-tokens")), 100 - used);
  Got refused = ask(R"(,"n":4,"ignore_eos":true)");
  EXPECT_EQ(429, refused.status);
  EXPECT_NE(refused.body.find("100 tokens per minute (tokens_per_minute)"), std::string::npos) << refused.body;
  EXPECT_GT(std::stoi(header(refused, "Retry-After")), 0);
  EXPECT_TRUE(free_again()) << "what is refused holds no place";
}

// "max_tokens" is what may be generated, not what is: an answer that ends early gives the rest back.
TEST_F(RatesTest, WhatIsNotGeneratedComesBack) {
  keys(R"("tokens_per_minute": 300)");
  const std::string body =
      R"({"model":"tiny","prompt":"ab","max_tokens":250,"stop":["a","e","i","o","u","n","r","t"]})";
  for (int i = 0; i < 3; ++i) {
    const Got got = post("/v1/completions", body, "Authorization: Bearer a-key\r\n");
    ASSERT_EQ(200, got.status) << i << got.body;
    ASSERT_LT(got.json["usage"]["total_tokens"].get<int64_t>(), 100);
  }
}

TEST_F(RatesTest, ParallelChoices) {
  keys(R"("parallel_choices": 1)");
  model_.delay_ms = 5;
  http::TestClient running(port());
  running.post("/v1/chat/completions", chat(R"(,"stream":true,"ignore_eos":true,"max_tokens":400)"),
               "Authorization: Bearer a-key\r\n");
  EXPECT_TRUE(running.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  const Got refused = ask();
  EXPECT_EQ(429, refused.status);
  EXPECT_NE(refused.body.find("parallel_choices"), std::string::npos) << refused.body;
  EXPECT_GE(std::stoi(header(refused, "Retry-After")), 1);
  running.close();
  EXPECT_TRUE(http::eventually([&] { return ask().status == 200; }));
}

TEST_F(RatesTest, AFullServerSaysHowLong) {
  config_.max_running = 1;
  config_.max_waiting = 0;
  model_.delay_ms = 5;
  http::TestClient running(port());
  running.post("/v1/chat/completions", chat(R"(,"stream":true,"ignore_eos":true,"max_tokens":400)"));
  EXPECT_TRUE(running.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  const Got refused = post("/v1/chat/completions", chat());
  EXPECT_EQ(429, refused.status);
  EXPECT_NE(refused.body.find("1 choices run or wait of at most 1 of a model (max_running and max_waiting)"),
            std::string::npos)
      << refused.body;
  EXPECT_GE(std::stoi(header(refused, "Retry-After")), 1);
}

TEST(RateHeaders, Durations) {
  EXPECT_EQ("0ms", duration_text(0));
  EXPECT_EQ("1ms", duration_text(0.0001));
  EXPECT_EQ("20ms", duration_text(0.02));
  EXPECT_EQ("1s", duration_text(0.9999));
  EXPECT_EQ("1.5s", duration_text(1.5));
  EXPECT_EQ("59.999s", duration_text(59.999));
  EXPECT_EQ("1m0s", duration_text(60));
  EXPECT_EQ("6m0s", duration_text(359.5));
  EXPECT_EQ("1h0m1s", duration_text(3601));
}

}  // namespace
}  // namespace maru::api
