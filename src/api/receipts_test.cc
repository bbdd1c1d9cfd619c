// Receipts as clients get them: in whole answers and in streams, in each dialect.
#include <gmock/gmock.h>

#include "api/test_server.h"
#include "base/hash.h"
#include "ledger/receipt.h"
#include "ledger/signing_keys.h"

namespace maru::api {
namespace {

using testing::HasSubstr;

class ReceiptsTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    context_.home = home_;
    config_.receipts = "asked";
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(home_);
  }
  int start() {
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      serving::ModelParts parts = fake_parts(model_, tokenizer_, &chat_template_);
      parts.identity = serving::ModelIdentity{.weights = {.sha256 = std::string(64, 'a'), .of = "files"},
                                              .dtype = "f32",
                                              .kv_cache_dtype = "f32",
                                              .isa = "scalar"};
      host.add(std::move(parts));
    });
    return server_->port();
  }
  /// The receipt, whose signature is right.
  ledger::Receipt checked(const Json& json) {
    const ledger::SigningKeys keys(home_ / "signing");
    EXPECT_EQ(ledger::SignatureState::kTrusted, ledger::check_signature(json, keys.trusted()).state) << json.dump();
    return ledger::parse_receipt(json, "receipt");
  }
  std::string messages(std::string_view more) {
    return R"({"model":"tiny","max_tokens":12,"messages":[{"role":"user","content":"hi"}])" + std::string(more) + "}";
  }
  const fs::path home_ = fs::temp_directory_path() / ("maru_receipts_" + std::to_string(::getpid()));
};

TEST_F(ReceiptsTest, AChatHasOneWhenItAsks) {
  start();
  EXPECT_FALSE(post("/v1/chat/completions", chat()).json.contains("receipt"));
  const Got got = post("/v1/chat/completions", chat(R"(,"receipt":true,"n":2,"temperature":0.7)"));
  ASSERT_EQ(200, got.status) << got.body;
  const ledger::Receipt receipt = checked(got.json["receipt"]);
  EXPECT_EQ(got.json["id"], receipt.id);
  EXPECT_EQ("/v1/chat/completions", receipt.route);
  EXPECT_EQ("1", receipt.prompts.at(0).seed);
  EXPECT_EQ(0.7, receipt.sampling.temperature);
  EXPECT_EQ(got.json["usage"]["prompt_tokens"], receipt.prompts[0].num_tokens);
  ASSERT_EQ(2u, receipt.choices.size());
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(sha256_hex(got.json["choices"][i]["message"]["content"].get<std::string>()),
              receipt.choices[i].text_sha256);
}

TEST_F(ReceiptsTest, AStreamHasTheSameInItsLastChunk) {
  start();
  const ledger::Receipt whole = checked(post("/v1/chat/completions", chat(R"(,"receipt":true,"n":2)")).json["receipt"]);
  for (const char* more : {"", R"(,"stream_options":{"include_usage":true})"}) {
    const std::vector<Json> events =
        stream("/v1/chat/completions", chat(std::string(R"(,"receipt":true,"n":2,"stream":true)") + more));
    for (size_t i = 0; i + 1 < events.size(); ++i) EXPECT_FALSE(events[i].contains("receipt")) << i;
    const ledger::Receipt streamed = checked(events.back()["receipt"]);
    EXPECT_EQ(to_json(whole)["choices"], to_json(streamed)["choices"]);
    EXPECT_EQ(to_json(whole)["prompts"], to_json(streamed)["prompts"]);
    EXPECT_EQ(events.back()["id"], streamed.id);
  }
}

TEST_F(ReceiptsTest, CompletionsHaveOneOfAllPrompts) {
  start();
  const Got got =
      post("/v1/completions", R"({"model":"tiny","prompt":["a","bc"],"max_tokens":5,"echo":true,"receipt":true})");
  ASSERT_EQ(200, got.status) << got.body;
  const ledger::Receipt receipt = checked(got.json["receipt"]);
  ASSERT_EQ(2u, receipt.prompts.size());
  EXPECT_NE(receipt.prompts[0].seed, receipt.prompts[1].seed);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(sha256_hex(got.json["choices"][i]["text"].get<std::string>()), receipt.choices[i].text_sha256);
}

TEST_F(ReceiptsTest, AnthropicsMessagesHaveOne) {
  start();
  const Got got = post("/v1/messages", messages(R"(,"receipt":true)"));
  ASSERT_EQ(200, got.status) << got.body;
  const ledger::Receipt receipt = checked(got.json["receipt"]);
  EXPECT_EQ("/v1/messages", receipt.route);
  EXPECT_EQ(sha256_hex(got.json["content"][0]["text"].get<std::string>()), receipt.choices.at(0).text_sha256);
  http::TestClient client(port());
  client.post("/v1/messages", messages(R"(,"receipt":true,"stream":true)"));
  const std::string all = client.read_until("message_stop\"}\n\n");
  const size_t at = all.find("data: {\"type\":\"message_delta\"") + 6;
  const Json delta = parse_json(all.substr(at, all.find("\n\n", at) - at), "delta").value();
  EXPECT_EQ("/v1/messages", checked(delta["receipt"]).route);
}

TEST_F(ReceiptsTest, ResponsesHaveOneWhereverTheyAreAskedFor) {
  start();
  const auto body = [](std::string_view more) {
    return R"({"model":"tiny","input":"hi","max_output_tokens":12)" + std::string(more) + "}";
  };
  EXPECT_FALSE(post("/v1/responses", body("")).json.contains("receipt"));
  const Got got = post("/v1/responses", body(R"(,"receipt":true)"));
  ASSERT_EQ(200, got.status) << got.body;
  const ledger::Receipt receipt = checked(got.json["receipt"]);
  EXPECT_EQ(got.json["id"], receipt.id);
  EXPECT_EQ("/v1/responses", receipt.route);
  EXPECT_EQ(sha256_hex(got.json["output"][0]["content"][0]["text"].get<std::string>()), receipt.choices[0].text_sha256);
  EXPECT_EQ(got.json, get("/v1/responses/" + receipt.id).json) << "it is kept with its receipt";
  http::TestClient client(port());
  client.post("/v1/responses", body(R"(,"receipt":true,"stream":true)"));
  const std::string all = client.read_until("\r\n0\r\n\r\n");
  EXPECT_EQ(all.find("\"receipt\":{"), all.rfind("\"receipt\":{")) << "in the last event alone";
  const size_t at = all.find("data: {", all.find("event: response.incomplete")) + 6;
  const Json last = parse_json(all.substr(at, all.find("\n\n", at) - at), "event").value();
  EXPECT_EQ(last["response"]["id"], checked(last["response"]["receipt"]).id);
  const Json queued = post("/v1/responses", body(R"(,"receipt":true,"background":true)")).json;
  EXPECT_FALSE(queued.contains("receipt"));
  Json ended;
  EXPECT_TRUE(http::eventually([&] {
    ended = get("/v1/responses/" + queued["id"].get<std::string>()).json;
    return ended["status"] == "incomplete";
  }));
  EXPECT_EQ(queued["id"], checked(ended["receipt"]).id);
}

TEST_F(ReceiptsTest, OllamasAnswersHaveOneInTheirLastObject) {
  start();
  for (const char* ask : {R"("messages":[{"role":"user","content":"hi"}])", R"("prompt":"hi")"}) {
    const bool chat = std::string_view(ask).starts_with("\"m");
    const std::string route = chat ? "/api/chat" : "/api/generate";
    const auto body = [&](std::string_view more) {
      return R"({"model":"tiny","options":{"num_predict":12},)" + std::string(ask) + std::string(more) + "}";
    };
    EXPECT_FALSE(post(route, body(R"(,"stream":false)")).json.contains("receipt"));
    const Got got = post(route, body(R"(,"receipt":true,"stream":false)"));
    ASSERT_EQ(200, got.status) << got.body;
    const ledger::Receipt receipt = checked(got.json["receipt"]);
    EXPECT_EQ(route, receipt.route);
    EXPECT_THAT(got.head, HasSubstr("X-Request-Id: " + receipt.id));
    const std::string text = chat ? got.json["message"]["content"] : got.json["response"];
    EXPECT_EQ(sha256_hex(text), receipt.choices.at(0).text_sha256);
    http::TestClient client(port());
    client.post(route, body(R"(,"receipt":true)"));
    const std::string all = client.read_until("\r\n0\r\n\r\n");
    EXPECT_EQ(all.find("\"receipt\":{"), all.rfind("\"receipt\":{"));
    const size_t at = all.rfind("\n{\"") + 1;
    EXPECT_EQ(route, checked(parse_json(all.substr(at, all.find('\n', at) - at), "line").value()["receipt"]).route);
  }
}

TEST_F(ReceiptsTest, ToolsAndFormsAreInIt) {
  start();
  const std::string tools =
      R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":18446744073709551615}}}])";
  const ledger::Receipt plain = checked(post("/v1/chat/completions", chat(R"(,"receipt":true)")).json["receipt"]);
  EXPECT_EQ("", plain.tools_sha256 + plain.constraint_sha256);
  const Got held = post("/v1/chat/completions", chat(R"(,"receipt":true,"response_format":{"type":"json_object"})"));
  ASSERT_EQ(200, held.status) << held.body;
  EXPECT_EQ(64u, checked(held.json["receipt"]).constraint_sha256.size());
  const Got shown = post("/v1/chat/completions", chat(R"(,"receipt":true)" + tools));
  ASSERT_EQ(200, shown.status) << shown.body;
  EXPECT_EQ(64u, checked(shown.json["receipt"]).tools_sha256.size());
}

TEST_F(ReceiptsTest, AlwaysMeansAlways) {
  config_.receipts = "always";
  start();
  checked(post("/v1/chat/completions", chat()).json["receipt"]);
  checked(post("/v1/chat/completions", chat(R"(,"receipt":false)")).json["receipt"]);
  checked(post("/v1/responses", R"({"model":"tiny","input":"hi","max_output_tokens":3})").json["receipt"]);
  checked(post("/api/generate", R"({"model":"tiny","prompt":"hi","options":{"num_predict":3},"stream":false})")
              .json["receipt"]);
}

TEST_F(ReceiptsTest, AServerWithoutThemSaysSoAndMakesNoKey) {
  config_.receipts = "off";
  start();
  const Got got = post("/v1/chat/completions", chat(R"(,"receipt":true)"));
  EXPECT_EQ(400, got.status);
  EXPECT_EQ("receipt", got.json["error"]["param"]);
  EXPECT_THAT(got.body, HasSubstr("receipts=asked"));
  EXPECT_EQ(400, post("/v1/messages", messages(R"(,"receipt":true)")).status);
  EXPECT_EQ("receipt", post("/v1/responses", R"({"model":"tiny","input":"hi","receipt":true})").json["error"]["param"]);
  EXPECT_EQ(400, post("/api/generate", R"({"model":"tiny","prompt":"hi","receipt":true})").status);
  EXPECT_EQ(400, post("/v1/chat/completions", chat(R"(,"receipt":"yes")")).status);
  EXPECT_FALSE(fs::exists(home_ / "signing"));
  server_.reset();
  config_.receipts = "asked";
  context_.home.clear();
  EXPECT_THROW(start(), Failure);
}

TEST_F(ReceiptsTest, AnAnswerThatFailsHasNone) {
  start();
  model_.fail_next = true;
  const Got got = post("/v1/chat/completions", chat(R"(,"receipt":true)"));
  EXPECT_EQ(500, got.status);
  EXPECT_FALSE(got.json.contains("receipt"));
}

}  // namespace
}  // namespace maru::api
