#include "api/openai/request.h"

#include <gtest/gtest.h>

#include "api/openai/error.h"
#include "http/problem.h"
#include "infer/fake_model.h"

namespace maru::api::openai {
namespace {

const serving::RequestLimits kLimits{.max_context = 100, .vocab_size = 261, .timeout_seconds = 9};

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer shared = infer::byte_tokenizer();
  return shared;
}

const text::ChatTemplate& chat_template() {
  static const text::ChatTemplate shared = text::ChatTemplate::chatml(tokenizer());
  return shared;
}

serving::ChatModel model(const text::ChatTemplate* own = &chat_template()) {
  return {.id = "m", .tokenizer = &tokenizer(), .chat_template = own, .forms = {}};
}
std::string chat(std::string_view more) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + std::string(more) + "}";
}
std::string complete(std::string_view more) { return R"({"model":"m")" + std::string(more) + "}"; }

/// What the request is refused with; status 0 when it is taken.
template <class F>
http::Problem refusal(F f) {
  try {
    f();
  } catch (const Failure&) {
    return http::current_problem();
  }
  return {.status = 0};
}
http::Problem chat_refusal(const std::string& body) {
  return refusal([&] { prepare(parse_chat_request(body), model(), kLimits); });
}
http::Problem completion_refusal(const std::string& body) {
  return refusal([&] { prepare(parse_completion_request(body), tokenizer(), kLimits); });
}

struct Bad {
  const char* more;
  const char* param;
  const char* code;
};

TEST(ErrorBody, HasOpenAiShape) {
  EXPECT_EQ(
      kDialect.error_body({.message = "bad \"x\"\xff", .field = "top_p", .word = "c"}),
      "{\"error\":{\"message\":\"bad \\\"x\\\"\xEF\xBF\xBD\",\"type\":\"invalid_request_error\",\"param\":\"top_p\","
      "\"code\":\"c\"}}");
}

TEST(ChatRequest, NamesTheFieldAtFault) {
  const Bad cases[] = {
      {R"(,"temperature":"hot")", "temperature", "invalid_value"},
      {R"(,"temperature":-1)", "temperature", "invalid_value"},
      {R"(,"top_p":1.5)", "top_p", "invalid_value"},
      {R"(,"max_tokens":0)", "max_tokens", "invalid_value"},
      {R"(,"max_tokens":-5)", "max_tokens", "invalid_value"},
      {R"(,"max_tokens":1e30)", "max_tokens", "invalid_value"},
      {R"(,"max_tokens":2.5)", "max_tokens", "invalid_value"},
      {R"(,"n":0)", "n", "invalid_value"},
      {R"(,"n":1000000)", "n", "invalid_value"},
      {R"(,"seed":1.5)", "seed", "invalid_value"},
      {R"(,"stop":[1])", "stop[0]", "invalid_value"},
      {R"(,"stop":"")", "stop", "invalid_value"},
      {R"(,"logit_bias":{"x":1})", "logit_bias.x", "invalid_value"},
      {R"(,"logit_bias":{"261":1})", "logit_bias.261", "invalid_value"},
      {R"(,"logit_bias":{"5":101})", "logit_bias.5", "invalid_value"},
      {R"(,"stop_token_ids":[261])", "stop_token_ids[0]", "invalid_value"},
      {R"(,"stop_token_ids":"2")", "stop_token_ids", "invalid_value"},
      {R"(,"min_tokens":-1)", "min_tokens", "invalid_value"},
      {R"(,"cache_salt":5)", "cache_salt", "invalid_value"},
      {R"(,"priority":1.5)", "priority", "invalid_value"},
      {R"(,"logprobs":5)", "logprobs", "invalid_value"},
      {R"(,"top_logprobs":2)", "top_logprobs", "invalid_value"},
      {R"(,"logprobs":true,"top_logprobs":21)", "top_logprobs", "invalid_value"},
      {R"(,"stream_options":{"include_usage":true})", "stream_options", "invalid_value"},
      {R"(,"stream":true,"stream_options":{"include":true})", "stream_options", "invalid_value"},
      {R"(,"messages":[])", "messages", "invalid_value"},
      {R"(,"messages":"hi")", "messages", "invalid_value"},
      {R"(,"messages":[{"role":"king","content":"x"}])", "messages[0].role", "invalid_value"},
      {R"(,"messages":[{"content":"x"}])", "messages[0].role", "invalid_value"},
      {R"(,"messages":[{"role":"user"}])", "messages[0].content", "invalid_value"},
      {R"(,"messages":[{"role":"user","content":[{"type":"image_url"}]}])", "messages[0].content[0].type",
       "invalid_value"},
      {R"(,"tempature":1)", "tempature", "unknown_parameter"},
      {R"(,"tools":[1])", "tools[0]", "invalid_value"},
      {R"(,"tools":{})", "tools", "invalid_value"},
      {R"(,"tool_choice":"required")", "tool_choice", "invalid_value"},
      {R"(,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required")", "tool_choice",
       "unsupported_parameter"},
      {R"(,"functions":[{"name":"f"}])", "functions", "unsupported_parameter"},
      {R"(,"function_call":{"name":"f"})", "function_call", "unsupported_parameter"},
      {R"(,"parallel_tool_calls":"no")", "parallel_tool_calls", "invalid_value"},
      {R"(,"documents":["x"])", "documents[0]", "invalid_value"},
      {R"(,"chat_template_kwargs":[])", "chat_template_kwargs", "invalid_value"},
      {R"(,"allowed_token_ids":[5,261])", "allowed_token_ids[1]", "invalid_value"},
      {R"(,"bad_words":["a"," "])", "bad_words[1]", "invalid_value"},
      {R"(,"bad_words":"a")", "bad_words", "invalid_value"},
      {R"(,"prompt_logprobs":21)", "prompt_logprobs", "invalid_value"},
      {R"(,"prompt_logprobs":1,"stream":true)", "prompt_logprobs", "invalid_value"},
      {R"(,"truncate_prompt_tokens":0)", "truncate_prompt_tokens", "invalid_value"},
      {R"(,"truncation_side":"middle")", "truncation_side", "invalid_value"},
      {R"(,"truncation_side":"right")", "truncation_side", "unsupported_parameter"},
      {R"(,"add_special_tokens":true)", "add_special_tokens", "unsupported_parameter"},
      {R"(,"spaces_between_special_tokens":false)", "spaces_between_special_tokens", "unsupported_parameter"},
      {R"(,"chat_template":"{{ messages }}")", "chat_template", "unsupported_parameter"},
      {R"(,"store":true)", "store", "unsupported_parameter"},
      {R"(,"modalities":["text","audio"])", "modalities", "unsupported_parameter"},
      {R"(,"verbosity":"low")", "verbosity", "unsupported_parameter"},
      {R"(,"web_search_options":{})", "web_search_options", "unsupported_parameter"},
      {R"(,"kv_transfer_params":{})", "kv_transfer_params", "unsupported_parameter"},
      {R"(,"logprob_token_ids":[1])", "logprob_token_ids", "unsupported_parameter"},
  };
  for (const Bad& bad : cases) {
    const http::Problem error = chat_refusal(chat(bad.more));
    EXPECT_EQ(error.status, 400) << bad.more;
    EXPECT_EQ(error.field, bad.param) << bad.more << ": " << error.message;
    EXPECT_EQ(error.word, bad.code) << bad.more;
  }
  EXPECT_NE(chat_refusal(chat(R"(,"tempature":1)")).message.find("did you mean 'temperature'"), std::string::npos);
}

TEST(ChatRequest, TakesWhatGoesOnWithTheEngine) {
  const CompletionRequest request = parse_completion_request(
      R"({"model":"m","prompt":"p","min_tokens":3,"stop_token_ids":[7,8],"priority":-2,"cache_salt":"s"})");
  EXPECT_EQ(3, request.min_tokens);
  EXPECT_EQ(-2, request.priority);
  EXPECT_EQ("s", request.cache_salt);
  EXPECT_EQ((Json{7, 8}), request.stop_token_ids);
}

TEST(ChatRequest, RefusesWhatIsNotAnObject) {
  for (const char* body : {"", "{", "[]", "null", "\"x\"", "{\"model\":\"m\"", "\xff", "{\"a\":1}}"})
    EXPECT_EQ(chat_refusal(body).word, "invalid_json") << body;
  EXPECT_EQ(chat_refusal(std::string(100'000, '[')).word, "invalid_json");
  EXPECT_EQ(chat_refusal(R"({"messages":[{"role":"user","content":"x"}]})").field, "model");
}

TEST(ChatRequest, TakesFieldsThatAskForNothing) {
  const char* more =
      R"(,"tools":[],"tool_choice":"none","store":false,"user":"u","parallel_tool_calls":true,"metadata":{"a":"b"},
      "response_format":{"type":"text"},"temperature":null,"logit_bias":{},"service_tier":"auto",
      "modalities":["text"],"service_tier":"flex","prediction":{"type":"content","content":"x"},
      "prompt_cache_key":"k","safety_identifier":"s","stream_interval":4,"request_id":"r","add_special_tokens":false,
      "spaces_between_special_tokens":true,"length_penalty":1.0,"verbosity":"medium")";
  EXPECT_EQ(chat_refusal(chat(more)).status, 0) << chat_refusal(chat(more)).message;
}

TEST(ChatRequest, BecomesAGeneration) {
  const ChatRequest request = parse_chat_request(
      chat(R"(,"temperature":0.5,"top_k":-1,"top_p":0.9,"min_p":0.1,"n":3,"seed":-4,"stop":["a","b"],"max_tokens":50,
           "max_completion_tokens":7,"logprobs":true,"top_logprobs":4,"logit_bias":{"7":-1.5},"ignore_eos":true)"));
  const PreparedRequest prepared = prepare(request, model(), kLimits);
  ASSERT_EQ(prepared.prompts.size(), 1u);
  const infer::GenerationRequest& g = prepared.prompts[0];
  EXPECT_EQ(g.sampling.temperature, 0.5);
  EXPECT_EQ(g.sampling.top_k, 0);
  EXPECT_EQ(g.sampling.top_logprobs, 4);
  EXPECT_EQ(g.sampling.logit_bias.at(0), (std::pair<int32_t, double>(7, -1.5)));
  EXPECT_EQ(g.choices, 3);
  EXPECT_EQ(g.seed, static_cast<uint64_t>(-4));
  EXPECT_EQ(g.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(g.max_tokens, 7);
  EXPECT_TRUE(g.ignore_eos);
  EXPECT_EQ(g.timeout_seconds, 9);
  EXPECT_EQ(tokenizer().decode(g.prompt), "<|begin_of_text|><|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatRequest, PassesOnAllThatSamplingIsToldOf) {
  const infer::GenerationRequest g =
      prepare(parse_chat_request(chat(R"(,"temperature":0.25,"top_k":7,"top_p":0.5,"min_p":0.125,"presence_penalty":1,
          "frequency_penalty":-1,"repetition_penalty":1.5,"seed":-3,"n":2,"min_tokens":4,"ignore_eos":true,"stop":"a",
          "stop_token_ids":[9],"priority":-2,"cache_salt":"s","max_tokens":6,"logit_bias":{"7":-5})")),
              model(), kLimits)
          .prompts[0];
  const infer::SamplingOptions& s = g.sampling;
  EXPECT_EQ((std::vector<double>{0.25, 7, 0.5, 0.125, 1, -1, 1.5}),
            (std::vector<double>{s.temperature, static_cast<double>(s.top_k), s.top_p, s.min_p, s.presence_penalty,
                                 s.frequency_penalty, s.repetition_penalty}));
  EXPECT_EQ((std::vector<std::pair<int32_t, double>>{{7, -5}}), s.logit_bias);
  EXPECT_EQ(static_cast<uint64_t>(-3), g.seed);
  EXPECT_EQ((std::vector<int64_t>{2, 4, -2, 6}),
            (std::vector<int64_t>{g.choices, g.min_tokens, g.priority, g.max_tokens}));
  EXPECT_TRUE(g.ignore_eos);
  EXPECT_EQ(std::vector<std::string>{"a"}, g.stop);
  EXPECT_EQ(std::vector<int32_t>{9}, g.stop_tokens);
  EXPECT_EQ("s", g.cache_salt);
  EXPECT_EQ(9, g.timeout_seconds);
  EXPECT_FALSE(g.continues_prompt) << "the answer is a text of its own";
}

TEST(ChatRequest, TakesVllmsSampling) {
  const PreparedRequest prepared =
      prepare(parse_chat_request(chat(R"(,"allowed_token_ids":[70,71],"bad_words":["no"," yes"],"prompt_logprobs":3,
          "include_stop_str_in_output":true,"skip_special_tokens":false,"return_token_ids":true)")),
              model(), kLimits);
  const infer::GenerationRequest& g = prepared.prompts[0];
  EXPECT_EQ((std::vector<int32_t>{70, 71}), g.sampling.allowed_tokens);
  const auto encoded = [](const char* text) { return tokenizer().encode(text); };
  EXPECT_EQ((std::vector<std::vector<int32_t>>{encoded("no"), encoded(" no"), encoded("yes"), encoded(" yes")}),
            g.sampling.bad_words);
  EXPECT_TRUE(g.score_prompt && g.keeps_stop && g.shows_special && g.tells_tokens);
  EXPECT_EQ(3, g.prompt_top);
  EXPECT_EQ(-1, g.sampling.top_logprobs);
}

TEST(ChatRequest, CutsThePromptWhereItIsToldTo) {
  const auto prompt = [](const std::string& body) {
    return tokenizer().decode(prepare(parse_chat_request(body), model(), kLimits).prompts[0].prompt);
  };
  EXPECT_EQ("assistant\n", prompt(chat(R"(,"truncate_prompt_tokens":10)")));
  const std::string long_chat =
      R"({"model":"m","messages":[{"role":"user","content":")" + std::string(300, 'x') + "\"}]";
  EXPECT_EQ("context_length_exceeded", chat_refusal(long_chat + "}").word);
  const auto cut =
      prepare(parse_chat_request(long_chat + R"(,"truncate_prompt_tokens":-1,"max_tokens":30})"), model(), kLimits);
  EXPECT_EQ(70u, cut.prompts[0].prompt.size());
  EXPECT_EQ(30, cut.prompts[0].max_tokens);
  EXPECT_TRUE(cut.warnings.empty());
}

TEST(ChatRequest, UnknownFieldsMayBeIgnored) {
  const ChatRequest request = parse_chat_request(chat(R"(,"tempature":0.5)"), true);
  EXPECT_EQ(1, request.temperature);
  const PreparedRequest prepared = prepare(request, model(), kLimits);
  EXPECT_EQ((std::vector<std::string>{"tempature: not known to this server, and ignored; did you mean 'temperature'?"}),
            prepared.warnings);
}

TEST(CompletionRequest, TakesVllmsForms) {
  const auto prompt = [](std::string_view more) {
    return prepare(parse_completion_request(complete(R"(,"prompt":"abcdef","echo":true)" + std::string(more))),
                   tokenizer(), kLimits);
  };
  EXPECT_EQ(7u, prompt("").prompts[0].prompt.size());
  EXPECT_EQ(6u, prompt(R"(,"add_special_tokens":false)").prompts[0].prompt.size());
  EXPECT_EQ("ef", prompt(R"(,"truncate_prompt_tokens":2)").echo[0]) << "what is cut is not said";
  EXPECT_EQ("a", prompt(R"(,"truncate_prompt_tokens":2,"truncation_side":"right")").echo[0]);
  EXPECT_EQ(5, prompt(R"(,"prompt_logprobs":2,"logprobs":5)").prompts[0].prompt_top);
  EXPECT_EQ("", completion_refusal(complete(R"(,"prompt":"a","n":2,"best_of":2,"suffix":"")")).field);
  EXPECT_EQ("best_of", completion_refusal(complete(R"(,"prompt":"a","n":2,"best_of":4)")).field);
  EXPECT_EQ("suffix", completion_refusal(complete(R"(,"prompt":"a","suffix":"b")")).field);
  EXPECT_EQ("prompt_embeds", completion_refusal(complete(R"(,"prompt":"a","prompt_embeds":"b")")).field);
}

TEST(ChatRequest, FillsTheContextByDefault) {
  const auto g = prepare(parse_chat_request(chat("")), model(), kLimits).prompts[0];
  EXPECT_EQ(g.max_tokens, 100 - static_cast<int64_t>(g.prompt.size()));
}

std::string user_of(size_t bytes) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(bytes, 'x') + "\"}]";
}

// 24 tokens are the markup of one message and of the answer's beginning.
TEST(ChatRequest, AnAnswerTakesTheRoomThatIsLeftAndSaysSo) {
  const auto prepared = [&](const std::string& body) { return prepare(parse_chat_request(body), model(), kLimits); };
  const int64_t markup = static_cast<int64_t>(prepared(user_of(1) + "}").prompts[0].prompt.size()) - 1;
  for (const int64_t size : {1, 10, 75 - 24}) {
    const int64_t room = 100 - markup - size;
    for (const int64_t wanted : {int64_t{1}, room, room + 1, int64_t{1024}, int64_t{1} << 30})
      for (const char* name : {"max_tokens", "max_completion_tokens"}) {
        const PreparedRequest got =
            prepared(user_of(static_cast<size_t>(size)) + ",\"" + name + "\":" + std::to_string(wanted) + "}");
        EXPECT_EQ(got.prompts[0].max_tokens, std::min(wanted, room));
        ASSERT_EQ(got.warnings.size(), wanted > room ? 1u : 0u);
        if (wanted > room) {
          EXPECT_EQ(got.warnings[0], "max_tokens: " + std::to_string(wanted) + " do not fit beside the " +
                                         std::to_string(markup + size) +
                                         " tokens of the messages into the context of 100; the answer has at most " +
                                         std::to_string(room));
        }
      }
  }
  for (const size_t size : {static_cast<size_t>(100 - markup), size_t{100}, size_t{5000}})
    for (const char* more : {"}", ",\"max_tokens\":1}"}) {
      const http::Problem error = chat_refusal(user_of(size) + more);
      EXPECT_EQ(error.status, 400);
      EXPECT_EQ(error.word, "context_length_exceeded");
      EXPECT_EQ(error.field, "messages");
      EXPECT_EQ(error.message.find("This model's maximum context length is 100 tokens. However, your messages"), 0u);
    }
}

TEST(ChatRequest, AnswersOfErrorsStayShort) {
  const std::string name(3 << 20, 'k');
  const std::string bodies[] = {
      chat(",\"" + name + "\":1"),
      chat(",\"temperature\":\"" + name + "\""),
      chat(",\"logit_bias\":{\"" + name + "\":1}"),
      chat(",\"messages\":[{\"role\":\"" + name + "\",\"content\":\"x\"}]"),
      chat(",\"tool_choice\":\"" + name + "\""),
      chat(",\"stop\":\"" + name + "\""),
      chat(",\"response_format\":{\"type\":\"" + name + "\"}"),
      chat(",\"stream\":true,\"stream_options\":{\"" + name.substr(0, 3000) + "\":1}"),
  };
  for (const std::string& body : bodies) {
    const http::Problem error = chat_refusal(body);
    EXPECT_EQ(error.status, 400) << body.substr(0, 100);
    EXPECT_LT(error.message.size() + error.field.size(), 2000u) << body.substr(0, 100);
  }
  const auto own = text::ChatTemplate::create("{{ raise_exception(messages[0].content) }}", {}, "own").value();
  const http::Problem error = refusal([&] {
    prepare(parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":")" + name + "\"}]}"), model(&own),
            kLimits);
  });
  EXPECT_LT(error.message.size(), 1200u);
}

TEST(ChatRequest, SaysWhatTheTemplateDoesNotShow) {
  const auto warnings = [&](const text::ChatTemplate& chat_template, const char* more) {
    return prepare(parse_chat_request(chat(more)), model(&chat_template), {.max_context = 9000, .vocab_size = 261})
        .warnings;
  };
  const auto plain = text::ChatTemplate::create("{{ messages[0].content }}", {}, "own").value();
  const char* documents = R"(,"documents":[{"text":"d"}])";
  EXPECT_EQ(warnings(plain, R"(,"reasoning_effort":"high")"),
            std::vector<std::string>{"reasoning_effort: the model's chat template does not read it"});
  EXPECT_EQ(warnings(plain, R"(,"reasoning_effort":"none")"), std::vector<std::string>{});
  EXPECT_EQ(warnings(chat_template(), documents),
            std::vector<std::string>{"documents: the model's chat template does not show them to the model"});
  EXPECT_EQ(warnings(plain, R"(,"tools":[],"documents":[])"), std::vector<std::string>{});
  EXPECT_EQ(warnings(plain, R"(,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none")"),
            std::vector<std::string>{});
}

TEST(ChatRequest, ToolsAreShownByTheDefaultTemplate) {
  const auto size = [&](const char* more) {
    return prepare(parse_chat_request(chat(more)), model(), {.max_context = 9000, .vocab_size = 261})
        .prompts[0]
        .prompt.size();
  };
  EXPECT_GT(size(R"(,"tools":[{"type":"function","function":{"name":"get_time"}}])"), size("") + 60);
}

TEST(ChatRequest, ATemplateThatDoesNotEndIsNotTheClientsFault) {
  const auto slow =
      text::ChatTemplate::create("{% for i in range(99999) %}{% set a = 'a' * 9000000 %}{% endfor %}", {}, "own")
          .value();
  const http::Problem error = refusal([&] { prepare(parse_chat_request(chat("")), model(&slow), kLimits); });
  EXPECT_TRUE(error.status == 400 || error.status == 504)
      << error.message;  // out of steps, or of time on a slow machine
  EXPECT_NE(error.message.find("own:1: the template"), std::string::npos) << error.message;
}

// A call of a tool has no content; a template that asks for it anyway is given an empty one.
TEST(ChatRequest, ATemplateThatWritesEveryContentIsGivenAnEmptyOne) {
  const auto writes =
      text::ChatTemplate::create("{% for m in messages %}[{{ m.role + ':' + m.content }}]{% endfor %}", {}, "own")
          .value();
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":
          [{"type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"3"}]})";
  const PreparedRequest got = prepare(parse_chat_request(body), model(&writes), kLimits);
  EXPECT_EQ(tokenizer().decode(got.prompts[0].prompt), "[user:a][assistant:][tool:3]");
}

TEST(ChatRequest, JoinsTextParts) {
  const ChatRequest request = parse_chat_request(
      R"({"model":"m","messages":[{"role":"developer","content":"s"},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})");
  const auto g = prepare(request, model(), kLimits).prompts[0];
  EXPECT_NE(tokenizer().decode(g.prompt).find("system\ns"), std::string::npos);
  EXPECT_NE(tokenizer().decode(g.prompt).find("user\nab"), std::string::npos);
}

TEST(ChatRequest, ShowsTheModelsOwnTemplateToolsDocumentsAndVariables) {
  const auto own =
      text::ChatTemplate::create(
          "{{ messages[0].tool_calls[0].function.arguments.city }}|{{ messages[1].role }}|{{ (tools or []) | length }}|"
          "{{ documents[0].text }}|{{ enable_thinking }}|{{ add_generation_prompt }}",
          {}, "own")
          .value();
  const auto text = [&](const char* choice) {
    const ChatRequest request = parse_chat_request(
        std::string(R"({"model":"m","tool_choice":)") + choice +
        R"(,"messages":[{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":
            {"name":"f","arguments":"{\"city\": \"Seoul\"}"}}]},{"role":"observation","content":"x"}],
            "tools":[{"type":"function","function":{"name":"f"}}],"documents":[{"text":"d"}],
            "chat_template_kwargs":{"enable_thinking":false}})");
    return tokenizer().decode(prepare(request, model(&own), kLimits).prompts[0].prompt);
  };
  EXPECT_EQ(text("\"auto\""), "Seoul|observation|1|d|False|True");
  EXPECT_EQ(text("\"none\""), "Seoul|observation|0|d|False|True");
}

TEST(ChatRequest, ATemplatesRefusalIsTheClientsToMend) {
  const auto own = text::ChatTemplate::create("\n{{ raise_exception('only one system message') }}", {}, "own").value();
  const http::Problem error = refusal([&] { prepare(parse_chat_request(chat("")), model(&own), kLimits); });
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.message, "own:2: only one system message");
  EXPECT_EQ(error.field, "messages");
  const http::Problem none = refusal([&] { prepare(parse_chat_request(chat("")), model(nullptr), kLimits); });
  EXPECT_NE(none.message.find("no chat template"), std::string::npos);
}

TEST(ChatRequest, ContinuesTheLastMessage) {
  const ChatRequest request = parse_chat_request(
      R"({"model":"m","continue_final_message":true,"messages":[{"role":"user","content":"a"},
          {"role":"assistant","content":"b c"}]})");
  const auto g = prepare(request, model(), kLimits).prompts[0];
  EXPECT_TRUE(tokenizer().decode(g.prompt).ends_with("<|im_start|>assistant\nb c"));
  EXPECT_TRUE(g.continues_prompt);
}

TEST(CompletionRequest, NamesTheFieldAtFault) {
  const Bad cases[] = {
      {"", "prompt", "missing_required_parameter"},
      {R"(,"prompt":5)", "prompt", "invalid_value"},
      {R"(,"prompt":[1,"a"])", "prompt[1]", "invalid_value"},
      {R"(,"prompt":[261])", "prompt[0]", "invalid_value"},
      {R"(,"prompt":[-1])", "prompt[0]", "invalid_value"},
      {R"(,"prompt":[1.5])", "prompt[0]", "invalid_value"},
      {R"(,"prompt":[99999999999999999999])", "prompt[0]", "invalid_value"},
      {R"(,"prompt":[[]])", "prompt[0]", "invalid_value"},
      {R"(,"prompt":["a",[1],{}])", "prompt[2]", "invalid_value"},
      {R"(,"prompt":"x","logprobs":true)", "logprobs", "invalid_value"},
      {R"(,"prompt":"x","best_of":4)", "best_of", "unsupported_parameter"},
      {R"(,"prompt":"x","suffix":"y")", "suffix", "unsupported_parameter"},
  };
  for (const Bad& bad : cases) {
    const http::Problem error = completion_refusal(complete(bad.more));
    EXPECT_EQ(error.status, 400) << bad.more;
    EXPECT_EQ(error.field, bad.param) << bad.more << ": " << error.message;
    EXPECT_EQ(error.word, bad.code) << bad.more;
  }
}

TEST(CompletionRequest, TakesEveryKindOfPrompt) {
  const auto prompts = [&](const char* prompt) {
    return prepare(parse_completion_request(complete(std::string(",\"prompt\":") + prompt)), tokenizer(), kLimits)
        .prompts;
  };
  EXPECT_EQ(prompts("\"ab\"").at(0).prompt, (std::vector<int32_t>{0, 5 + 'a', 5 + 'b'}));
  EXPECT_EQ(prompts("[70,71]").at(0).prompt, (std::vector<int32_t>{70, 71}));
  EXPECT_EQ(prompts("[\"a\",\"b\"]").size(), 2u);
  EXPECT_EQ(prompts("[[70],[71,72]]").at(1).prompt, (std::vector<int32_t>{71, 72}));
  EXPECT_EQ(prompts("\"\"").at(0).prompt, (std::vector<int32_t>{0}));
  EXPECT_EQ(prompts("\"ab\"").at(0).max_tokens, 16);
}

TEST(CompletionRequest, EchoesText) {
  const auto prepared =
      prepare(parse_completion_request(complete(R"(,"prompt":[0,70],"echo":true,"logprobs":1)")), tokenizer(), kLimits);
  EXPECT_EQ(prepared.echo.at(0), "A");
  EXPECT_TRUE(prepared.prompts[0].score_prompt);
}

TEST(CompletionRequest, ATokenBehindATextThatIsScoredIsThereWhateverItIs) {
  const auto ignores = [&](std::string_view more) {
    const std::string body = complete(R"(,"prompt":[0,70],"max_tokens":1)" + std::string(more));
    return prepare(parse_completion_request(body), tokenizer(), kLimits).prompts[0].ignore_eos;
  };
  EXPECT_TRUE(ignores(R"(,"echo":true,"logprobs":1)"));
  for (const char* more : {R"(,"echo":true)", R"(,"logprobs":1)", R"(,"echo":true,"logprobs":1,"guided_regex":"a")"})
    EXPECT_FALSE(ignores(more)) << more;
}

}  // namespace
}  // namespace maru::api::openai
