// Every combination of what a request may ask for and a server may do: what must not change an answer does not, what
// shapes it does so in any company. docs/feature-matrix.md is written
// from it: MARU_WRITE_DOCS=1 renews that page.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <bitset>
#include <map>
#include <regex>

#include "api/test_server.h"
#include "serving/test_models.h"
#include "tensor/cpu_device.h"

namespace maru::api {
namespace {

enum Feature : size_t {
  // What an answer is:
  kTools,
  kSchema,
  kAdapter,
  kInt8,
  // What must not change it:
  kStream,
  kPrefix,
  kGuesses,
  kPreemption,
  kChoices,
  kLogprobs,
  kNumFeatures
};
using Features = std::bitset<kNumFeatures>;
constexpr size_t kShaping = 4;
constexpr std::array<const char*, kNumFeatures> kNames{"tools",  "schema",  "adapter",    "8-bit cache", "stream",
                                                       "prefix", "guesses", "preemption", "n > 1",       "logprobs"};
constexpr const char* kPage = "docs/feature-matrix.md";

constexpr std::string_view kTemplate =
    "{%- for t in tools or [] %}<tools>{{ t | tojson }}</tools> <tool_call> {% endfor %}"
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// What an answer says, however it came.
struct Said {
  int status = 0;
  std::string refused;  // the field
  std::string text, calls, finish;
  bool operator==(const Said&) const = default;
};

class FeatureMatrix : public ServeTest {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru_features_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  int64_t reused_ = 0, accepted_ = 0, preempted_ = 0;
  std::array<std::array<int, kNumFeatures>, kNumFeatures> same_{};

  void SetUp() override {
    const DecoderConfig config = resolve({.vocab_size = 261,
                                          .hidden_size = 64,
                                          .intermediate_size = 64,
                                          .num_hidden_layers = 2,
                                          .num_attention_heads = 2,
                                          .num_key_value_heads = 2,
                                          .max_position_embeddings = 512,
                                          .initializer_range = 0.3});
    serving::write_test_model(root_ / "m", 1, config);
    serving::write_served_adapter(root_ / "peft" / "law", 2, "", "", config);
    write_file(root_ / "m" / "chat_template.jinja", kTemplate);
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(root_);
  }

  void serve(Features f) {
    server_.reset();
    ServeConfig config{.http = {.port = 0}, .max_running = 12, .max_waiting = 100, .step_tokens = 64};
    config.http.max_connections_per_peer = 0;
    config.draft_tokens = f[kGuesses] ? 4 : 0;
    config.prefix_cache = f[kPrefix];
    config.kv_cache_dtype = f[kInt8] ? "int8" : "auto";
    config.cache_mib = f[kPreemption] ? 1 : 64;
    config.adapters_dir = (root_ / "peft").string();
    config.adapters_refresh_seconds = 0;
    ServeContext context;
    context.device = &device_;
    server_ = std::make_unique<ApiServer>(config, context, [&](serving::ModelHost& host) {
      host.load({root_ / "m", "m", f[kGuesses] ? root_ / "m" : fs::path()}, device_);
    });
  }

  static std::string body(Features f) {
    Json body{{"model", f[kAdapter] ? "law" : "m"},
              {"messages", Json::array({{{"role", "user"}, {"content", std::string(150, 'a') + " what is it?"}}})},
              {"seed", 3},
              {"max_tokens", 120},
              {"temperature", 0.7},
              {"stream", f.test(kStream)},
              {"n", f[kChoices] ? 3 : 1}};
    const Json schema =
        Json::parse(R"({"type":"object","properties":{"kind":{"enum":["a","b","c"]},"sure":{"type":"boolean"}},)"
                    R"("required":["kind","sure"],"additionalProperties":false})");
    if (f[kTools]) {
      body["tools"] = Json::array({{{"type", "function"}, {"function", {{"name", "find"}, {"parameters", schema}}}}});
      body["tool_choice"] = "required";
      body["parallel_tool_calls"] = false;
    }
    if (f[kSchema])
      body["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "it"}, {"schema", schema}}}};
    if (f[kLogprobs]) body["logprobs"] = true, body["top_logprobs"] = 2;
    return body.dump();
  }

  static void take_calls(const Json& calls, std::string& to) {
    for (const Json& call : calls) {
      const Json function = call.value("function", Json::object());
      to += function.value("name", "") + function.value("arguments", "");
    }
  }
  static void take(const Json& message, Said& said) {
    if (message.contains("content") && message["content"].is_string())
      said.text += message["content"].get<std::string>();
    if (message.contains("tool_calls")) take_calls(message["tool_calls"], said.calls);
  }

  Said ask(Features f) {
    Said said;
    if (!f[kStream]) {
      const Got got = post("/v1/chat/completions", body(f));
      said.status = got.status;
      if (got.status != 200) {
        said.refused = got.json["error"]["param"];
        return said;
      }
      const Json& choice = got.json["choices"][0];
      EXPECT_EQ(f[kChoices] ? 3u : 1u, got.json["choices"].size());
      EXPECT_EQ(f[kLogprobs], choice.contains("logprobs") && !choice["logprobs"].is_null());
      take(choice["message"], said);
      said.finish = choice["finish_reason"];
      if (const Json& usage = got.json["usage"]; usage.contains("prompt_tokens_details"))
        reused_ += usage["prompt_tokens_details"].value("cached_tokens", 0);
      return said;
    }
    http::TestClient client(port());
    client.post("/v1/chat/completions", body(f));
    const std::string all = client.read_until("\r\n0\r\n\r\n");
    said.status = std::atoi(all.c_str() + 9);
    EXPECT_EQ(200, said.status) << all;
    for (size_t at = all.find("data: {"); at != std::string::npos; at = all.find("data: {", at + 1)) {
      const Json event = parse_json(all.substr(at + 6, all.find("\n\n", at) - at - 6), "event").value();
      for (const Json& choice : event["choices"]) {
        if (choice["index"] != 0) continue;
        take(choice["delta"], said);
        if (!choice["finish_reason"].is_null()) said.finish = choice["finish_reason"];
      }
    }
    return said;
  }

  /// With seven others that want pages too, where these are few.
  Said ask_in_company(Features f) {
    if (!f[kPreemption]) return ask(f);
    std::vector<std::unique_ptr<http::TestClient>> others;
    for (int i = 0; i < 7; ++i) {
      others.push_back(std::make_unique<http::TestClient>(port()));
      others.back()->post("/v1/completions", Json{{"model", i % 2 == 0 ? "m" : "law"},
                                                  {"prompt", std::string(100, static_cast<char>('b' + i))},
                                                  {"seed", i},
                                                  {"ignore_eos", true},
                                                  {"max_tokens", 120}}
                                                 .dump());
    }
    Said said = ask(f);
    for (auto& other : others) EXPECT_THAT(other->read_response(), testing::HasSubstr(" 200 "));
    return said;
  }

  void note(Features f) {
    for (size_t a = 0; a < kNumFeatures; ++a)
      for (size_t b = 0; b < kNumFeatures; ++b)
        if (f[a] && f[b]) ++same_[a][b];
  }

  std::string page() const {
    std::string text =
        "# What goes together\n\n"
        "함께 쓸 수 있는 것: every combination of these ten is asked of a server with a small model "
        "(`src/api/feature_matrix_test.cc`, which "
        "also writes this page). A number counts the\ncombinations with both in which the answer was, to the letter, "
        "the one "
        "of a request that asks for its shape alone: tools, schema, adapter and the 8-bit cache shape an answer; "
        "the\nothers "
        "must not change it.\n\n|  |";
    for (const char* name : kNames) text += fmt::format(" {} |", name);
    text += "\n|---|" + std::string();
    for (size_t i = 0; i < kNumFeatures; ++i) text += "---|";
    for (size_t a = 0; a < kNumFeatures; ++a) {
      text += fmt::format("\n| **{}** |", kNames[a]);
      for (size_t b = 0; b < kNumFeatures; ++b) text += b > a ? " |" : fmt::format(" {} |", same_[a][b]);
    }
    text +=
        "\n\nTools: the model must call one (`tool_choice: \"required\"`). Schema: `response_format`, of the text "
        "alone "
        "where there are tools. Prefix: the prompt had been computed\nbefore. Guesses: from the text and by a "
        "draft model. "
        "Preemption: seven others want pages of which there are too few. The same over log-probabilities, to the bit, "
        "and for\n"
        "every family of models, below the API: `src/infer/engine_invariance_test.cc`.\n";
    return text;
  }
};

TEST_F(FeatureMatrix, EveryCombinationAnswersAsItsShapeAloneOrIsRefusedByName) {
  std::map<unsigned long, Said> alone;  // by what shapes the answer
  constexpr unsigned long kServer = 1u << kInt8 | 1u << kPrefix | 1u << kGuesses | 1u << kPreemption;
  int asked = 0;
  for (unsigned long server = 0; server < 1u << kNumFeatures; ++server) {
    if ((server & ~kServer) != 0) continue;
    serve(Features(server));
    for (unsigned long request = 0; request < 1u << kNumFeatures; ++request) {
      if ((request & kServer) != 0) continue;
      const Features f(server | request);
      const Said said = ask_in_company(f);
      const Said& expected = alone.try_emplace(f.to_ulong() & ((1u << kShaping) - 1), said).first->second;
      ASSERT_EQ(expected, said) << f << ": " << said.text << said.calls << said.refused << ", not " << expected.text
                                << expected.calls;
      EXPECT_EQ(200, said.status) << f << ": " << said.refused;
      note(f);
      ++asked;
    }
    const infer::EngineStats stats = server_->models().stats();
    accepted_ += stats.accepted_tokens;
    preempted_ += stats.preemptions;
  }
  EXPECT_EQ(1 << kNumFeatures, asked);
  EXPECT_GT(reused_, 1000);
  EXPECT_GT(accepted_, 1000);
  EXPECT_GT(preempted_, 100);
  const std::regex call(R"re(find\{\s*"kind":\s*"[abc]",\s*"sure":\s*(true|false)\s*\})re");
  EXPECT_TRUE(std::regex_match(alone[1u << kTools].calls, call)) << alone[1u << kTools].calls;
  EXPECT_EQ("tool_calls", alone[1u << kTools].finish);
  EXPECT_TRUE(std::regex_match(alone[1u << kTools | 1u << kSchema].calls, call)) << "the form is of the text alone";
  EXPECT_THAT(alone[1u << kSchema].text, testing::StartsWith("{"));
  EXPECT_NE(alone[0].text, alone[1u << kAdapter].text);
  EXPECT_NE(alone[0].text, alone[1u << kInt8].text);
  if (std::getenv("MARU_WRITE_DOCS") != nullptr) write_file(kPage, page());
  EXPECT_EQ(page(), read_file(kPage)) << "MARU_WRITE_DOCS=1 writes it anew";
}

}  // namespace
}  // namespace maru::api
