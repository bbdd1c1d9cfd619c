// For tests: a server of fake models, and what clients say to it.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/server.h"
#include "base/json.h"
#include "http/test_client.h"
#include "infer/fake_model.h"

namespace maru::api {

/// A fake model as the host takes it; what is pointed to must outlive the server.
inline serving::ModelParts fake_parts(infer::FakeModel& model, const text::Tokenizer& tokenizer,
                                      const text::ChatTemplate* chat_template, std::string id = "tiny") {
  serving::ModelParts parts;
  parts.model = &model;
  parts.tokenizer = &tokenizer;
  parts.chat_template = chat_template;
  parts.id = std::move(id);
  parts.end_tokens = {1, 3};
  return parts;
}

class ServeTest : public ::testing::Test {
 protected:
  ServeConfig config_{.http = {.port = 0}, .max_running = 4, .max_waiting = 4, .step_tokens = 32};
  ServeContext context_;
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  text::ChatTemplate chat_template_ = text::ChatTemplate::chatml(tokenizer_);
  infer::FakeModel model_;
  std::unique_ptr<ApiServer> server_;

  void SetUp() override { model_.only_letters = true; }
  int start() {
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      host.add(fake_parts(model_, tokenizer_, &chat_template_));
    });
    return server_->port();
  }
  int port() { return server_ ? server_->port() : start(); }

  struct Got {
    int status;
    std::string head, body;
    Json json;
  };
  Got parse(const std::string& response) {
    const size_t end = response.find("\r\n\r\n");
    Got got{.status = std::atoi(response.c_str() + 9), .head = response.substr(0, end)};
    got.body = response.substr(std::min(response.size(), end + 4));
    if (Result<Json> json = parse_json(got.body, "body")) got.json = *json;
    return got;
  }
  Got post(const std::string& path, const std::string& body, std::string_view more = "") {
    http::TestClient client(port());
    client.post(path, body, more);
    return parse(client.read_response());
  }
  Got get(const std::string& path, std::string_view more = "") {
    http::TestClient client(port());
    client.get(path, more);
    return parse(client.read_response());
  }
  /// The events of a streamed answer, without [DONE].
  std::vector<Json> stream(const std::string& path, const std::string& body) {
    http::TestClient client(port());
    client.post(path, body);
    const std::string all = client.read_until("data: [DONE]\n\n\r\n0\r\n\r\n");
    EXPECT_TRUE(all.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n")) << all;
    std::vector<Json> events;
    for (size_t at = all.find("data: {"); at != std::string::npos; at = all.find("data: {", at + 1))
      events.push_back(parse_json(all.substr(at + 6, all.find("\n\n", at) - at - 6), "event").value());
    return events;
  }
  std::string chat(std::string_view more = "") {
    return R"({"model":"tiny","max_tokens":12,"seed":1,"messages":[{"role":"user","content":"hi"}])" +
           std::string(more) + "}";
  }
  bool free_again() {
    return http::eventually(
        [&] { return server_->models().stats().pages_used == 0 && server_->models().stats().running == 0; });
  }
};

}  // namespace maru::api
