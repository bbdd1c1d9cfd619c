// The API as strangers and web pages meet it: hosts, origins, keys, and how much of it one client gets.
#include <gtest/gtest.h>

#include <new>

#include "api/server.h"
#include "api/test_server.h"
#include "base/json.h"
#include "base/memory_reserve.h"
#include "http/test_client.h"

namespace maru::api {
namespace {

const http::Asset kPage{"/", "text/html", "<html></html>", "abc"};
constexpr const char* kChat = R"({"model":"tiny","max_tokens":2,"messages":[{"role":"user","content":"hi"}]})";

class ServeLimitsTest : public ::testing::Test {
 protected:
  ServeConfig config_{.http = {.port = 0}, .max_running = 4, .max_waiting = 4, .step_tokens = 32};
  ServeContext context_{.assets = {&kPage, 1}};
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  text::ChatTemplate chat_template_ = text::ChatTemplate::chatml(tokenizer_);
  infer::FakeModel model_;
  std::unique_ptr<ApiServer> server_;

  int port() {
    if (!server_)
      server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
        host.add(fake_parts(model_, tokenizer_, &chat_template_));
      });
    return server_->port();
  }
  /// The answer to a request of these header lines.
  std::string ask(std::string_view first_line, std::string_view lines, std::string_view body = "") {
    http::TestClient client(port());
    std::string bytes = std::string(first_line) + " HTTP/1.1\r\n" + std::string(lines);
    if (!body.empty()) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(bytes + "Connection: close\r\n\r\n" + std::string(body));
    return client.read_all();
  }
  std::string status(std::string_view first_line, std::string_view lines, std::string_view body = "") {
    return ask(first_line, lines, body).substr(9, 3);
  }
};

TEST_F(ServeLimitsTest, AnswersToItsOwnNamesOnly) {
  config_.allowed_hosts = {"maru.example"};
  const std::string own = "localhost:" + std::to_string(port());
  const std::pair<std::string, const char*> cases[] = {
      {"Host: " + own + "\r\n", "200"},
      {"Host: 127.0.0.1\r\n", "200"},
      {"Host: [::1]:1\r\n", "200"},
      {"Host: Maru.Example.:443\r\n", "200"},
      {"hOsT:localhost\r\n", "200"},
      {"Host: evil.example\r\n", "421"},
      {"Host: localhost.evil.example\r\n", "421"},
      {"Host:\r\n", "421"},
      {"", "400"},
      {"Host: localhost\r\nHost: localhost\r\n", "400"},
      {"Host: localhost\r\nHost: evil.example\r\n", "400"},
      {"Host: localhost:99999\r\n", "400"},
      {"Host: user@localhost\r\n", "400"},
      {"X-Forwarded-Host: localhost\r\nHost: evil.example\r\n", "421"},
  };
  for (const auto& [lines, expected] : cases)
    for (const char* path : {"GET /v1/models", "GET /", "GET /v1/health/live", "GET /none", "DELETE /v1/models"})
      if (const std::string got = status(path, lines); std::string_view(expected) != "200")
        EXPECT_EQ(got, expected) << path << " " << lines;
      else
        EXPECT_TRUE(got == "200" || got == "404" || got == "405") << path << " " << lines << got;
  // The target's own host counts, whatever Host says.
  EXPECT_EQ(status("GET http://localhost/v1/models", "Host: evil.example\r\n"), "200");
  EXPECT_EQ(status("GET http://evil.example/v1/models", "Host: localhost\r\n"), "421");
  EXPECT_EQ(status("POST /v1/chat/completions", "Host: evil.example\r\n", kChat), "421");
  const std::string refusal = ask("GET /", "Host: evil.example\r\n");
  EXPECT_NE(refusal.find("allowed_hosts"), std::string::npos) << "it says what to do about it";
  http::TestClient old(port());
  old.send("GET /v1/models HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServeLimitsTest, ForeignPagesMakeItDoNothing) {
  config_.cors_origins = {"https://friend.example"};
  const std::string host = "localhost:" + std::to_string(port()), ours = "Host: " + host + "\r\n";
  const std::string json = "Content-Type: application/json\r\n", text = "Content-Type: text/plain\r\n";
  struct Case {
    std::string origin, type;
    const char* expected;
  };
  const Case cases[] = {
      {"", "", "200"},
      {"", text, "200"},
      {"", "Content-Type: application/x-www-form-urlencoded\r\n", "200"},
      {"Origin: http://" + host + "\r\n", json, "200"},
      {"Origin: http://" + host + "\r\n", "Content-Type: Application/JSON; charset=utf-8\r\n", "200"},
      {"Origin: https://friend.example\r\n", json, "200"},
      {"Origin: http://" + host + "\r\n", text, "415"},
      {"Origin: http://" + host + "\r\n", "", "415"},
      {"Origin: https://friend.example\r\n", text, "415"},
      {"Origin: https://friend.example\r\n", "Content-Type: application/jsonx\r\n", "415"},
      {"Origin: https://friend.example\r\n", "Content-Type: text/plain; x=application/json\r\n", "415"},
      {"Origin: https://evil.example\r\n", json, "403"},
      {"Origin: https://evil.example\r\n", text, "403"},
      {"Origin: null\r\n", json, "403"},
      {"Origin: https://" + host + "\r\n", json, "403"},
      {"Origin: http://localhost:1\r\n", json, "403"},
      {"Origin: http://127.0.0.1:" + std::to_string(port()) + "\r\n", json, "403"},
      {"Origin: https://friend.example.evil.example\r\n", json, "403"},
      {"Origin: https://friend.example\r\nOrigin: https://evil.example\r\n", json, "403"},
      {"Origin: http://" + host + " https://evil.example\r\n", json, "403"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(status("POST /v1/chat/completions", ours + c.origin + c.type, kChat), c.expected) << c.origin << c.type;
  for (const char* method : {"PUT", "DELETE", "PATCH", "OPTIONS", "BREW"})
    EXPECT_EQ(status(std::string(method) + " /v1/models", ours + "Origin: https://evil.example\r\n"), "403") << method;
  EXPECT_EQ(status("GET /v1/models", ours + "Origin: https://evil.example\r\n"), "200") << "its browser hides it";
  const std::string preflight = ask("OPTIONS /v1/chat/completions",
                                    ours +
                                        "Origin: https://friend.example\r\nAccess-Control-Request-Method: POST\r\n"
                                        "Access-Control-Request-Headers: content-type\r\n");
  EXPECT_TRUE(preflight.starts_with("HTTP/1.1 204 "));
  EXPECT_NE(preflight.find("Access-Control-Allow-Origin: https://friend.example"), std::string::npos);
  EXPECT_NE(
      ask("POST /v1/chat/completions", ours + "Origin: https://evil.example\r\n" + json, kChat).find("cors_origins"),
      std::string::npos);
}

TEST_F(ServeLimitsTest, PagesAreNotFramed) {
  const std::string page = ask("GET /", "Host: localhost\r\n");
  EXPECT_NE(page.find("\r\nContent-Security-Policy: frame-ancestors 'none'\r\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_NE(ask("GET /v1/models", "Host: localhost\r\n").find("\r\nX-Content-Type-Options: nosniff\r\n"),
            std::string::npos);
}

TEST_F(ServeLimitsTest, TheKeyIsAskedForBeforeTheBody) {
  context_.api_keys = {"secret"};
  for (const char* body : {"Content-Length: 8000000\r\n", "Content-Length: 8000000\r\nExpect: 100-continue\r\n",
                           "Transfer-Encoding: chunked\r\n", "Content-Length: 999999999999\r\n"}) {
    for (const auto& [path, expected] :
         {std::pair("/v1/chat/completions", "401"), {"/none", "404"}, {"/v1/models", "405"}}) {
      http::TestClient client(port());
      client.send("POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + body + "\r\n");
      EXPECT_EQ(client.read_all(3).substr(9, 3), expected) << path << body;
    }
    http::TestClient wrong(port());
    wrong.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n" +
               std::string(body) + "\r\n");
    EXPECT_EQ(wrong.read_all(3).substr(9, 3), "401") << body;
  }
  http::TestClient right(port());
  right.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\nExpect: "
      "100-continue\r\nContent-Length: " +
      std::to_string(std::string_view(kChat).size()) + "\r\n\r\n");
  EXPECT_EQ(right.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  right.send(kChat);
  EXPECT_TRUE(right.read_response().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServeLimitsTest, ErrorsRepeatNoMegabytes) {
  const std::string name(7'000'000, 'q');
  const std::string got = ask("POST /v1/chat/completions", "Host: localhost\r\n",
                              R"({"model":"tiny","messages":[{"role":"user","content":"hi"}],")" + name + R"(":1})");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got.substr(0, 200);
  EXPECT_LT(got.size(), 4000u);
  const std::string model = ask("POST /v1/completions", "Host: localhost\r\n",
                                R"({"model":")" + std::string(100'000, 'x') + R"(","prompt":"a"})");
  EXPECT_TRUE(model.starts_with("HTTP/1.1 404 "));
  EXPECT_LT(model.size(), 4000u);
}

// Ten clients that ask for much and read little must leave something for the others.
TEST_F(ServeLimitsTest, LargeRequestsLeavePlacesForSmallOnes) {
  config_.max_running = 16;
  config_.max_waiting = 16;
  config_.channel_pieces = 1;
  model_.delay_ms = 1;
  const std::string greedy = R"({"model":"tiny","n":6,"ignore_eos":true,"stream":true,"prompt":"a","max_tokens":60})";
  std::vector<std::unique_ptr<http::TestClient>> tricklers;
  std::string refusal;
  for (int i = 0; i < 10; ++i) {
    tricklers.push_back(std::make_unique<http::TestClient>(port(), 4096));
    tricklers.back()->post("/v1/completions", greedy);
    const std::string head = tricklers.back()->read_until("\r\n\r\n");
    if (head.starts_with("HTTP/1.1 429 ")) refusal = tricklers.back()->read_all(0.2);
  }
  EXPECT_NE(refusal.find("over 24 (the rest is for requests of one choice)"), std::string::npos) << refusal;
  EXPECT_EQ(status("POST /v1/chat/completions", "Host: localhost\r\n", kChat), "200");
}

TEST_F(ServeLimitsTest, AKeyHasItsShare) {
  context_.api_keys = {"first", "second"};
  config_.max_choices_per_client = 3;
  model_.delay_ms = 3;
  const auto ask_for = [&](std::string_view key, int n) {
    auto client = std::make_unique<http::TestClient>(port());
    client->post("/v1/completions",
                 R"({"model":"tiny","ignore_eos":true,"stream":true,"prompt":"a","max_tokens":400,"n":)" +
                     std::to_string(n) + "}",
                 "Authorization: Bearer " + std::string(key) + "\r\n");
    return client;
  };
  const auto status_of = [](http::TestClient& client) { return client.read_until("\r\n\r\n").substr(9, 3); };
  const auto one = ask_for("first", 2), two = ask_for("first", 1);
  EXPECT_EQ(status_of(*one), "200");
  EXPECT_EQ(status_of(*two), "200");
  const auto three = ask_for("first", 1);
  const std::string refusal = three->read_response();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 429 ")) << refusal;
  EXPECT_NE(refusal.find("your key has 3 choices"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("max_choices_per_client"), std::string::npos);
  EXPECT_EQ(status_of(*ask_for("second", 3)), "200") << "the other key has its own share";
  const auto never = ask_for("second", 4);
  EXPECT_TRUE(never->read_response().starts_with("HTTP/1.1 400 ")) << "waiting would not help";
  two->close();
  EXPECT_TRUE(http::eventually([&] { return status_of(*ask_for("first", 1)) == "200"; }))
      << "what ends gives its place back";
}

TEST_F(ServeLimitsTest, NothingIsBegunWithoutMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "allocations that cannot be end the process here";
#endif
  const std::string localhost = "Host: localhost\r\n";
  EXPECT_EQ("200", status("POST /v1/chat/completions", localhost, kChat));
  EXPECT_THROW(keep_memory_reserve(size_t{1} << 60), std::bad_alloc);  // of which there is not even a part
  const std::string answer = ask("POST /v1/chat/completions", localhost, kChat);
  EXPECT_EQ("503", answer.substr(9, 3));
  EXPECT_NE(std::string::npos, answer.find("there is no memory for more requests")) << answer;
  EXPECT_EQ("200", status("GET /v1/health/live", localhost));
  EXPECT_EQ("200", status("GET /v1/metrics", localhost));
  keep_memory_reserve(0);
  EXPECT_EQ("200", status("POST /v1/chat/completions", localhost, kChat));
}

TEST_F(ServeLimitsTest, HealthIsAnsweredWhileBodiesAreRead) {
  config_.http.workers = 1;
  std::string body = R"({"model":"tiny","messages":[)";
  for (int i = 0; i < 40'000; ++i) body += i == 0 ? "{}" : ",{}";
  body += "]}";
  std::vector<std::unique_ptr<http::TestClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<http::TestClient>(port()));
    clients.back()->post("/v1/chat/completions", body);
  }
  double slowest = 0;
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(status("GET /v1/health/live", "Host: localhost\r\n"), "200");
    slowest = std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  EXPECT_LT(slowest, 1);
  clients.clear();
}

}  // namespace
}  // namespace maru::api
