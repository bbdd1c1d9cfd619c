#include "api/ollama/request.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"
#include "infer/fake_model.h"
#include "serving/model_forms.h"

namespace maru::api::ollama {
namespace {

class OllamaRequest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  text::ChatTemplate chat_template_ = text::ChatTemplate::chatml(tokenizer_);
  serving::ChatModel model_{.id = "m", .tokenizer = &tokenizer_, .chat_template = &chat_template_};
  serving::RequestLimits limits_{.max_context = 400, .vocab_size = 261, .timeout_seconds = 2};

  PreparedRequest chat(const std::string& more) {
    return prepare(parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + more + "}"),
                   model_, limits_);
  }
  PreparedRequest generate(const std::string& more) {
    return prepare(parse_generate_request(R"({"model":"m","prompt":"hi")" + more + "}"), model_, limits_);
  }
  template <class F>
  static std::string refused_field(F f) {
    try {
      f();
    } catch (const RequestFailure& failure) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
      return failure.field();
    }
    return "";
  }
  std::string text(const std::vector<int32_t>& tokens) { return tokenizer_.decode(tokens, false); }
};

TEST_F(OllamaRequest, NamesTheFieldAtFault) {
  const std::pair<const char*, const char*> both[] = {{R"(,"format":"xml")", "format"},
                                                      {R"(,"format":7)", "format"},
                                                      {R"(,"format":{"type":"nothing"})", "format.type"},
                                                      {R"(,"think":"very")", "think"},
                                                      {R"(,"think":7)", "think"},
                                                      {R"(,"think":true)", "think"},
                                                      {R"(,"top_logprobs":2)", "top_logprobs"},
                                                      {R"(,"options":{"mirostat":2})", "options.mirostat"},
                                                      {R"(,"options":{"num_ctx":4})", ""}};
  for (const auto& [more, field] : both) {
    const std::string in_chat = refused_field([&, m = more] { chat(m); });
    const std::string in_generate = refused_field([&, m = more] { generate(m); });
    EXPECT_EQ(std::string(field).empty() ? "messages" : field, in_chat) << more;
    EXPECT_EQ(std::string(field).empty() ? "prompt" : field, in_generate) << more;
  }
  const std::pair<const char*, const char*> cases[] = {{R"(,"suffix":"b")", "suffix"},
                                                       {R"(,"template":"{{ .Prompt }}")", "template"},
                                                       {R"(,"images":["aGk="])", "images"},
                                                       {R"(,"raw":true,"system":"s")", "system"},
                                                       {R"(,"raw":true,"context":[1])", "context"},
                                                       {R"(,"raw":true,"think":true)", "think"},
                                                       {R"(,"context":[1,261])", "context[1]"},
                                                       {R"(,"context":[-1])", "context[0]"},
                                                       {R"(,"context":"x")", "context"}};
  for (const auto& [more, field] : cases) EXPECT_EQ(field, refused_field([&, m = more] { generate(m); })) << more;
  EXPECT_THROW(chat(R"(,"temperature":1)"), RequestFailure) << "it belongs into the options";
  EXPECT_THROW(parse_chat_request("[]"), RequestFailure);
  EXPECT_EQ("messages", refused_field([] { parse_chat_request(R"({"model":"m","messages":"hi"})"); }));
  for (const char* more : {R"(,"keep_alive":"5m","truncate":true,"shift":false)", R"(,"format":"")",
                           R"(,"think":false)", R"(,"options":null)", R"(,"images":[],"suffix":"","template":"")"})
    EXPECT_EQ("", refused_field([&] { generate(more); })) << more;
}

TEST_F(OllamaRequest, IsShownInTheModelsTemplate) {
  EXPECT_EQ("<|begin_of_text|><|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
            text(chat("").generation.prompt));
  EXPECT_EQ("<|begin_of_text|><|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
            text(generate(R"(,"system":"s")").generation.prompt));
  EXPECT_EQ("<|begin_of_text|>hi", text(generate(R"(,"raw":true)").generation.prompt));
  EXPECT_FALSE(generate(R"(,"raw":true)").keeps_context);
  model_.chat_template = nullptr;
  EXPECT_EQ("<|begin_of_text|>hi", text(generate("").generation.prompt)) << "a base model goes on";
  EXPECT_EQ("system", refused_field([&] { generate(R"(,"system":"s")"); }));
  EXPECT_EQ("messages", refused_field([&] { chat(""); }));
}

TEST_F(OllamaRequest, GoesOnWithTheAssistantsWords) {
  const auto prepared = prepare(parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"hi"},
      {"role":"assistant","content":"he"}]})"),
                                model_, limits_);
  EXPECT_TRUE(text(prepared.generation.prompt).ends_with("assistant\nhe"));
  EXPECT_TRUE(prepared.generation.continues_prompt);
}

TEST_F(OllamaRequest, CarriesItsContext) {
  const PreparedRequest first = generate("");
  EXPECT_TRUE(first.keeps_context);
  EXPECT_EQ("<|im_end|>\n", text(first.closing));
  EXPECT_EQ(2u, first.closing.size()) << "the end of a turn is one token";
  std::vector<int32_t> context = first.generation.prompt;
  context.insert(context.end(), first.closing.begin(), first.closing.end());
  const PreparedRequest second = generate(R"(,"context":)" + Json(context).dump());
  const std::string begin = "<|begin_of_text|>";
  EXPECT_EQ(text(context) + text(first.generation.prompt).substr(begin.size()), text(second.generation.prompt))
      << "a text begins once";
}

TEST_F(OllamaRequest, HasFormAndLength) {
  EXPECT_FALSE(chat("").generation.constraint);
  EXPECT_TRUE(chat(R"(,"format":"json")").generation.constraint);
  EXPECT_TRUE(generate(R"(,"format":{"type":"object"})").generation.constraint);
  EXPECT_TRUE(generate(R"(,"format":"json","raw":true)").generation.constraint);
  const auto size = static_cast<int64_t>(chat("").generation.prompt.size());
  EXPECT_EQ(400 - size, chat("").generation.max_tokens);
  EXPECT_EQ(9, chat(R"(,"options":{"num_predict":9})").generation.max_tokens);
  EXPECT_EQ(100 - size, chat(R"(,"options":{"num_ctx":100})").generation.max_tokens);
  EXPECT_EQ(3, chat(R"(,"logprobs":true,"top_logprobs":3)").generation.sampling.top_logprobs);
  EXPECT_EQ(-1, chat("").generation.sampling.top_logprobs);
}

TEST_F(OllamaRequest, ThinksAsItIsTold) {
  model_.forms = serving::forms_of("none", "think_tags", &chat_template_);
  EXPECT_EQ("", refused_field([&] { chat(R"(,"think":true)"); }));
  EXPECT_EQ(1u, chat(R"(,"think":"high")").warnings.size()) << "the template does not read how hard";
}

TEST_F(OllamaRequest, OfNothingOnlyLoads) {
  EXPECT_TRUE(only_loads(parse_chat_request(R"({"model":"m"})")));
  EXPECT_TRUE(only_loads(parse_chat_request(R"({"model":"m","messages":[]})")));
  EXPECT_TRUE(only_loads(parse_generate_request(R"({"model":"m"})")));
  EXPECT_FALSE(only_loads(parse_generate_request(R"({"model":"m","prompt":"a"})")));
}

}  // namespace
}  // namespace maru::api::ollama
