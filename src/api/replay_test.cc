// Answers made in company are made again alone, by their receipts.
#include "api/replay.h"

#include <gmock/gmock.h>

#include <thread>

#include "api/test_server.h"
#include "ledger/signing_keys.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::api {
namespace {

using testing::HasSubstr;

/// A tiny model with random weights and a chat template that shows tools and the time.
void make_model(const fs::path& directory, uint64_t seed) {
  Decoder model(resolve({.vocab_size = 261,
                         .hidden_size = 32,
                         .intermediate_size = 64,
                         .num_hidden_layers = 2,
                         .num_attention_heads = 4,
                         .num_key_value_heads = 2,
                         .max_position_embeddings = 2048,
                         .initializer_range = 0.2}),
                Dtype::kF32);
  allocate_values(model);
  initialise(model, seed);
  fs::create_directories(directory);
  model.save(directory);
  write_file(directory / "tokenizer.json", text::write_tokenizer_json(infer::byte_tokenizer().spec()));
  write_file(directory / "chat_template.jinja",
             "{{ strftime_now('%H:%M:%S %z') }}{% for t in tools or [] %}<tool_call>{{ t | tojson }}{% endfor %}"
             "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
             "<|im_start|>assistant\n");
}

class ReplayTest : public ServeTest {
 protected:
  void SetUp() override {
    make_model(home_ / "tiny", 11);
    config_.receipts = "asked";
    config_.max_running = 8;
    config_.max_waiting = 64;
    config_.draft_tokens = 4;
    context_.home = home_;
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(home_);
  }
  void serve_tiny() {
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      host.load({.path = home_ / "tiny", .id = {}}, device_);
    });
  }
  struct Asked {
    std::string route;
    Json request, answer;
  };
  /// The whole answer, or the last chunk of a stream.
  void ask(Asked& asked) {
    const std::string body = asked.request.dump();
    if (asked.request.value("stream", false)) {
      asked.answer = stream(asked.route, body).back();
    } else {
      const Got got = post(asked.route, body);
      ASSERT_EQ(200, got.status) << got.body;
      asked.answer = got.json;
    }
    ASSERT_TRUE(asked.answer.contains("receipt")) << asked.answer.dump();
  }
  ReplayReport again(const Asked& asked, Json request = nullptr) {
    const bool whole = !asked.request.value("stream", false);
    return replay(ledger::parse_receipt(asked.answer["receipt"], "receipt"),
                  {.model = home_ / "tiny",
                   .adapter = {},
                   .request = request.is_null() ? asked.request : std::move(request),
                   .answer = whole ? asked.answer : Json(nullptr)},
                  device_);
  }
  static Json chat_of(const Json& more) {
    Json body{{"model", "tiny"},
              {"max_tokens", 40},
              {"receipt", true},
              {"messages", {{{"role", "user"}, {"content", "안녕"}}}}};
    body.update(more);
    return body;
  }

  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  const fs::path home_ = fs::temp_directory_path() / ("maru_replay_" + std::to_string(::getpid()));
};

const Json kSchema = {{"type", "json_schema"},
                      {"json_schema",
                       {{"name", "a"},
                        {"schema",
                         {{"type", "object"},
                          {"properties", {{"n", {{"type", "integer"}}}, {"w", {{"enum", {"가", "나"}}}}}},
                          {"required", {"n", "w"}},
                          {"additionalProperties", false}}}}}};
const Json kTools =
    Json::array({{{"type", "function"}, {"function", {{"name", "weather"}, {"parameters", {{"type", "object"}}}}}}});

// Twenty-one at once, streamed and whole, several choices, forms, calls, penalties, seeds of the server's, all
// dialects; with guesses, known prefixes and a step that is shared. Each alone gives the same tokens.
TEST_F(ReplayTest, WhatWasMadeUnderLoadIsMadeAgainAlone) {
  serve_tiny();
  std::vector<Asked> all;
  const std::string chats = "/v1/chat/completions";
  for (const Json& more :
       {Json{{"temperature", 0}}, Json{{"seed", -5}}, Json{{"n", 2}}, Json{{"stream", true}},
        Json{{"response_format", kSchema}}, Json{{"tools", kTools}, {"tool_choice", "required"}},
        Json{{"presence_penalty", 1.5}, {"repetition_penalty", 1.2}, {"top_k", 40}},
        Json{{"logit_bias", {{"70", 5}}}, {"stop", {"q", "Z"}}, {"min_p", 0.01}, {"top_p", 0.9}},
        Json{{"stream", true}, {"n", 3}, {"stream_options", {{"include_usage", true}}}},
        Json{{"max_tokens", 300}, {"messages", {{{"role", "user"}, {"content", std::string(400, 'x')}}}}},
        Json{{"logprobs", true}, {"top_logprobs", 3}}, Json{{"ignore_eos", true}, {"stream", true}}})
    all.push_back({chats, chat_of(more), {}});
  for (const bool echo : {false, true})
    all.push_back({"/v1/completions",
                   {{"model", "tiny"},
                    {"prompt", {"one", "two"}},
                    {"max_tokens", 30},
                    {"n", 2},
                    {"echo", echo},
                    {"receipt", true}},
                   {}});
  for (const char* thinking : {"disabled", "adaptive"})
    all.push_back({"/v1/messages", chat_of({{"thinking", {{"type", thinking}}}}), {}});
  for (const Json& more :
       {Json::object(), Json{{"tools", {{{"type", "function"}, {"name", "weather"}}}}, {"tool_choice", "required"}},
        Json{{"instructions", "be kind"}, {"truncation", "auto"}, {"background", false}}}) {
    Json body{{"model", "tiny"}, {"input", "안녕"}, {"max_output_tokens", 40}, {"receipt", true}};
    body.update(more);
    all.push_back({"/v1/responses", std::move(body), {}});
  }
  for (const char* route : {"/api/chat", "/api/generate"}) {
    const Json options{{"num_predict", 40}, {"temperature", 0.9}};
    Json body{{"model", "tiny"}, {"options", options}, {"stream", false}, {"receipt", true}};
    if (std::string_view(route) == "/api/chat")
      body["messages"] = {{{"role", "user"}, {"content", "안녕"}}};
    else
      body["prompt"] = "안녕";
    all.push_back({route, std::move(body), {}});
  }
  ASSERT_EQ(21u, all.size());
  std::vector<std::thread> clients;
  for (Asked& asked : all) clients.emplace_back([&] { ask(asked); });
  for (std::thread& client : clients) client.join();
  if (HasFatalFailure()) return;
  server_.reset();
  for (const Asked& asked : all) {
    const ReplayReport report = again(asked);
    for (const Difference& d : report.differences)
      ADD_FAILURE() << asked.request.dump() << ": " << d.where << ": " << d.expected << ", got " << d.got;
    EXPECT_GT(report.tokens, 0);
  }
}

TEST_F(ReplayTest, TheAnswerMayHaveHadLessRoom) {
  serve_tiny();
  Asked asked{"/v1/chat/completions", chat_of({{"ignore_eos", true}}), {}};
  ask(asked);
  EXPECT_EQ(40, asked.answer["usage"]["completion_tokens"]);
  EXPECT_TRUE(again(asked, chat_of({{"ignore_eos", true}, {"max_tokens", 90}})).differences.empty());
  EXPECT_FALSE(again(asked, chat_of({{"ignore_eos", true}, {"max_tokens", 30}})).differences.empty());
}

TEST_F(ReplayTest, EveryPromptIsTheReceipts) {
  serve_tiny();
  const Json body{{"model", "tiny"}, {"prompt", {"one", "two"}}, {"max_tokens", 5}, {"receipt", true}};
  Asked asked{"/v1/completions", body, {}};
  ask(asked);
  Json fewer = body;
  fewer["prompt"] = Json::array({"one"});
  try {
    again(asked, fewer);
    FAIL() << "nothing differs";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("the request has 1 prompts, the receipt 2"));
  }
}

TEST_F(ReplayTest, HowAResponseWasSentIsNoMatter) {
  serve_tiny();
  Json body{{"model", "tiny"}, {"input", "hi"}, {"max_output_tokens", 9}, {"receipt", true}};
  Asked asked{"/v1/responses", body, {}};
  ask(asked);
  body.update({{"background", true}, {"stream", true}, {"stream_options", {{"include_obfuscation", false}}}});
  EXPECT_TRUE(again(asked, body).differences.empty());
}

// The template shows the seconds.
TEST_F(ReplayTest, TheClockIsTheReceipts) {
  serve_tiny();
  const Json turns{{{"role", "user"}, {"content", "hi"}}};
  const Json common{{"model", "tiny"}, {"receipt", true}, {"stream", false}};
  std::vector<Asked> all{{"/v1/chat/completions", {{"messages", turns}, {"max_tokens", 3}}, {}},
                         {"/v1/messages", {{"messages", turns}, {"max_tokens", 3}}, {}},
                         {"/v1/responses", {{"input", "hi"}, {"max_output_tokens", 3}}, {}},
                         {"/api/chat", {{"messages", turns}, {"options", {{"num_predict", 3}}}}, {}},
                         {"/api/generate", {{"prompt", "hi"}, {"options", {{"num_predict", 3}}}}, {}}};
  for (Asked& asked : all) {
    asked.request.update(common);
    ask(asked);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  for (const Asked& asked : all) EXPECT_TRUE(again(asked).differences.empty()) << asked.route;
}

TEST_F(ReplayTest, TheTokenIsTold) {
  serve_tiny();
  Asked asked{"/v1/completions",
              {{"model", "tiny"},
               {"prompt", "one"},
               {"max_tokens", 40},
               {"ignore_eos", true},
               {"receipt", true},
               {"allowed_token_ids", {5 + 'a', 5 + 'b', 5 + 'c'}}},
              {}};
  ask(asked);
  for (const size_t at : {size_t{0}, size_t{1}, size_t{16}, size_t{17}, size_t{39}}) {
    Asked other = asked;
    other.answer["choices"][0]["text"].get_ref<std::string&>()[at] = 'x';
    const ReplayReport report = again(other);
    ASSERT_EQ(1u, report.differences.size());
    const std::string n = std::to_string(at);
    EXPECT_EQ("choices[0], token " + n + " (byte " + n + " of the text)", report.differences[0].where);
  }
}

TEST_F(ReplayTest, KeysAndValuesInEightBitsAreMadeAgainSo) {
  config_.kv_cache_dtype = "int8";
  serve_tiny();
  Asked asked{"/v1/chat/completions", chat_of({{"max_tokens", 200}, {"ignore_eos", true}}), {}};
  ask(asked);
  EXPECT_EQ("int8", asked.answer["receipt"]["engine"]["kv_cache_dtype"]);
  EXPECT_TRUE(again(asked).differences.empty());
  asked.answer["receipt"]["engine"]["kv_cache_dtype"] = "f32";
  EXPECT_FALSE(again(asked).differences.empty()) << "with other bits the answer is another";
}

TEST_F(ReplayTest, OtherWeightsAreNamedWithTheTokenAtWhichTheAnswersPart) {
  serve_tiny();
  Asked asked{"/v1/chat/completions", chat_of({{"max_tokens", 200}, {"ignore_eos", true}}), {}};
  ask(asked);
  make_model(home_ / "tiny", 12);
  const ReplayReport report = again(asked);
  std::string said;
  for (const Difference& d : report.differences) said += d.where + "\n";
  EXPECT_THAT(said, HasSubstr("model.weights.sha256\n"));
  EXPECT_THAT(said, HasSubstr("choices[0].tokens_sha256\n"));
  EXPECT_THAT(said, HasSubstr("choices[0], tokens 0 to 63\n"));
  EXPECT_THAT(said, HasSubstr("choices[0], token "));
}

TEST_F(ReplayTest, AByteOfTheWeightsIsEnough) {
  serve_tiny();
  Asked asked{"/v1/chat/completions", chat_of(Json::object()), {}};
  ask(asked);
  std::string weights = read_file(home_ / "tiny/model.safetensors");
  weights[weights.size() - 2] = static_cast<char>(weights[weights.size() - 2] ^ 1);
  write_file(home_ / "tiny/model.safetensors", weights);
  const ReplayReport report = again(asked);
  ASSERT_FALSE(report.differences.empty());
  EXPECT_EQ("model.weights.sha256", report.differences[0].where);
}

TEST_F(ReplayTest, AnotherRequestIsNotTheReceipts) {
  serve_tiny();
  Asked asked{"/v1/chat/completions", chat_of({{"temperature", 0.5}}), {}};
  ask(asked);
  const auto message = [&](const Json& request) -> std::string {
    try {
      std::string all;
      for (const Difference& d : again(asked, request).differences)
        all += d.where + ": " + d.expected + " " + d.got + "\n";
      return all;
    } catch (const Failure& e) {
      return e.what();
    }
  };
  EXPECT_EQ("", message(asked.request));
  EXPECT_THAT(message(chat_of({{"temperature", 0.5}, {"messages", {{{"role", "user"}, {"content", "안뇽"}}}}})),
              HasSubstr("prompt 0 of the request has"));
  EXPECT_THAT(message(chat_of({{"temperature", 0.6}})), HasSubstr("sampling.temperature: 0.5 0.6\n"));
  EXPECT_THAT(message(chat_of({{"temperature", 0.5}, {"n", 2}})), HasSubstr("choices: "));
  EXPECT_THAT(message(chat_of({{"temperature", 0.5}, {"response_format", kSchema}})),
              HasSubstr("constraint_sha256: none "));
  EXPECT_THAT(message(chat_of({{"temperature", 0.5}, {"stop", "q"}})), HasSubstr("sampling.stop_sha256: none "));
  EXPECT_THAT(message({{"model", "tiny"}}), HasSubstr("is refused by /v1/chat/completions: "));
  EXPECT_THAT(message(Json::array()), HasSubstr("no object"));
  asked.answer["choices"][0]["message"]["content"] = "another text";
  EXPECT_THAT(message(asked.request), HasSubstr("choices[0], token 0 (byte 0 of the text): \"another text\""));
}

TEST(TextsOf, AreThoseOfWholeAnswersInAllDialects) {
  using Texts = std::vector<std::string>;
  const auto texts = [](std::string_view json) { return texts_of(parse_json(json, "answer").value()); };
  EXPECT_EQ((Texts{"a", ""}),
            texts(R"({"usage":{},"choices":[{"message":{"content":"a"}},{"message":{"content":null}}]})"));
  EXPECT_EQ(Texts{"b"}, texts(R"({"usage":{},"choices":[{"text":"b"}]})"));
  EXPECT_EQ(Texts(), texts(R"({"usage":{},"choices":[{"delta":{"content":"a"}}]})"));
  EXPECT_EQ(Texts{"cd"}, texts(R"({"usage":{},"content":[{"type":"text","text":"c"},{"type":"thinking","thinking":"x"},
                                  {"type":"text","text":"d"}]})"));
  EXPECT_EQ(Texts{"ef"},
            texts(R"({"usage":{},"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"x"}]},
      {"type":"message","content":[{"type":"output_text","text":"e"}]},{"type":"function_call","arguments":"{}"},
      {"type":"message","content":[{"type":"output_text","text":"f"}]}]})"));
  EXPECT_EQ(Texts(), texts(R"({"usage":null,"output":[]})")) << "a response that has not ended";
  EXPECT_EQ(Texts{"g"}, texts(R"({"eval_count":1,"message":{"content":"g"}})"));
  EXPECT_EQ(Texts{"h"}, texts(R"({"eval_count":1,"response":"h"})"));
  EXPECT_EQ(Texts(), texts(R"({"eval_count":1,"message":{"content":""}})")) << "the end of a stream";
  for (const char* none : {"[]", "3", "{}", R"({"usage":{}})", R"({"usage":{},"choices":[3]})",
                           R"({"usage":{},"content":"x"})", R"({"eval_count":1})", R"({"eval_count":1,"message":3})"})
    EXPECT_EQ(Texts(), texts(none)) << none;
  EXPECT_EQ(Texts{""}, texts(R"({"usage":{},"output":[3,{"content":[3,{"type":5}]}]})")) << "whatever stands there";
}

TEST(Differences, TellWhere) {
  ledger::Receipt a;
  a.choices.resize(2);
  a.choices[1].tokens_sha256 = "1";
  a.choices[1].marks = {"x", "y", "z"};
  ledger::Receipt b = a;
  b.id = b.time = b.signature = "other";
  EXPECT_TRUE(differences(a, b).empty());
  b.engine.isa = "avx2";
  b.choices[1].tokens_sha256 = "2";
  b.choices[1].marks = {"x", "Y", "Z"};
  const std::vector<Difference> expected{{"engine.isa", "", "avx2"},
                                         {"choices[1].tokens_sha256", "1", "2"},
                                         {"choices[1], tokens 64 to 127", "the receipt's", "others"}};
  EXPECT_EQ(expected, differences(a, b));
  b.choices[1].marks = a.choices[1].marks;
  EXPECT_EQ("choices[1], tokens from 192 on", differences(a, b).back().where);
}

}  // namespace
}  // namespace maru::api
