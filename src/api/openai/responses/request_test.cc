#include "api/openai/responses/request.h"

#include <gtest/gtest.h>

#include "api/openai/responses/items.h"
#include "base/request_failure.h"
#include "infer/fake_model.h"

namespace maru::api::openai {
namespace {

const serving::RequestLimits kLimits{.max_context = 400, .vocab_size = 261, .timeout_seconds = 9};

std::string body(std::string_view more) { return R"({"model":"m","input":"hi")" + std::string(more) + "}"; }

class RequestTest : public ::testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  text::ChatTemplate chat_template_ = text::ChatTemplate::chatml(tokenizer_);

  PreparedRequest prepared(const std::string& text) {
    const ResponsesRequest request = parse_responses_request(text);
    const Json items = read_items(request.input, [](std::string_view prefix) { return std::string(prefix); });
    return prepare(request, items, {.id = "m", .tokenizer = &tokenizer_, .chat_template = &chat_template_}, kLimits);
  }
  std::string refused(const std::string& text) {
    try {
      prepared(text);
    } catch (const RequestFailure& failure) {
      EXPECT_LT(std::string_view(failure.what()).size(), 1300u);
      return failure.field();
    }
    return "";
  }
  std::string prompt(const std::string& text) { return tokenizer_.decode(prepared(text).prompts[0].prompt); }
};

TEST_F(RequestTest, LosesItsFirstTurnsWhereItMay) {
  const auto turn = [](const char* role, char letter) {
    return R"({"role":")" + std::string(role) + R"(","content":")" + std::string(100, letter) + "\"},";
  };
  const std::string all = R"([{"role":"system","content":"be kind"},)" + turn("user", 'a') + turn("assistant", 'b') +
                          turn("user", 'c') + turn("assistant", 'd') + R"({"role":"user","content":"last"}])";
  const auto text = [&](const std::string& more) {
    return R"({"model":"m","instructions":"told first","input":)" + all + more + "}";
  };
  EXPECT_EQ("input", refused(text("")));
  EXPECT_EQ("input", refused(text(R"(,"truncation":"disabled")")));
  const PreparedRequest cut = prepared(text(R"(,"truncation":"auto")"));
  const std::string said = tokenizer_.decode(cut.prompts[0].prompt);
  for (const char* kept : {"told first", "be kind", "ccc", "ddd", "last"})
    EXPECT_NE(std::string::npos, said.find(kept)) << kept << ": " << said;
  for (const char* lost : {"aaa", "bbb"}) EXPECT_EQ(std::string::npos, said.find(lost)) << said;
  ASSERT_EQ(1u, cut.warnings.size());
  EXPECT_EQ(0u, cut.warnings[0].find("truncation: the first 2 items ")) << cut.warnings[0];
  const PreparedRequest wide = prepared(text(R"(,"truncation":"auto","max_output_tokens":140)"));
  EXPECT_EQ(std::string::npos, tokenizer_.decode(wide.prompts[0].prompt).find("ccc")) << "there is room for the answer";
  EXPECT_EQ(140, wide.prompts[0].max_tokens);
  EXPECT_TRUE(prepared(body(R"(,"truncation":"auto")")).warnings.empty());
  const std::string huge(500, 'x');
  EXPECT_EQ("input",
            refused(R"({"model":"m","truncation":"auto","input":[{"role":"user","content":"a"},{"role":"user",)"
                    R"("content":")" +
                    huge + "\"}]}"))
      << "the last turn is never cut";
}

TEST_F(RequestTest, NamesTheFieldAtFaultInItsOwnWords) {
  const std::string long_text(500, 'x'), many(3 << 20, 'y');
  const std::pair<std::string, const char*> cases[] = {
      {R"({"input":"x"})", "model"},
      {R"({"model":"m"})", "input"},
      {R"({"model":"m","input":[]})", "input"},
      {R"({"model":"m","input":")" + long_text + "\"}", "input"},
      {R"({"model":"m","input":[{"role":"user","content":[{"type":"input_file"}]}]})", "input[0].content[0].type"},
      {body(R"(,"max_output_tokens":0)"), "max_output_tokens"},
      {body(R"(,"tempature":1)"), "tempature"},
      {body(",\"" + many + "\":1"), "long"},
      {body(R"(,"tools":[{"type":"web_search"}])"), "tools[0].type"},
      {body(R"(,"tools":[{"type":"function"}])"), "tools[0].name"},
      {body(R"(,"tools":[{"type":"function","name":"f","parameters":3}])"), "tools[0].parameters"},
      {body(R"(,"tools":[{"type":"function","name":"f","async":true}])"), "tools[0].async"},
      {body(R"(,"tool_choice":"required")"), "tool_choice"},
      {body(R"(,"tool_choice":{"type":"allowed_tools"})"), "tool_choice.type"},
      {body(R"(,"text":{"format":{"type":"xml"}})"), "text.format.type"},
      {body(R"(,"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"colour"}}})"),
       "text.format.schema.type"},
      {body(R"(,"text":{"verbosity":"low"})"), "text.verbosity"},
      {body(R"(,"reasoning":{"mode":"pro"})"), "reasoning.mode"},
      {body(R"(,"include":["everything"])"), "include[0]"},
      {body(R"(,"truncation":"middle")"), "truncation"},
      {body(R"(,"conversation":"conv_1")"), "conversation"},
      {body(R"(,"prompt":{"id":"p"})"), "prompt"},
      {body(R"(,"background":true,"store":false)"), "background"},
      {body(R"(,"stream_options":{"include_obfuscation":false})"), "stream_options"},
      {body(R"(,"metadata":{"a":1})"), "metadata.a"},
      {body(",\"metadata\":{\"a\":\"" + std::string(513, 'x') + "\"}"), "metadata"}};
  for (const auto& [text, field] : cases)
    if (std::string_view(field) == "long")
      EXPECT_LT(refused(text).size(), 300u);
    else
      EXPECT_EQ(field, refused(text)) << text.substr(0, 200);
}

TEST_F(RequestTest, TakesWhatCannotChangeTheAnswer) {
  EXPECT_EQ("", refused(body(R"(,"service_tier":"flex","user":"u","prompt_cache_key":"k","safety_identifier":"s",
      "truncation":"disabled","metadata":{"a":"b"},"max_tool_calls":3,"tools":[],"text":{"format":{"type":"text"}},
      "include":["reasoning.encrypted_content","file_search_call.results"],"previous_response_id":null)")));
}

TEST_F(RequestTest, BecomesTheChatItAsksFor) {
  EXPECT_EQ(
      "<|begin_of_text|><|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
      prompt(body(R"(,"instructions":"be kind")")));
  const PreparedRequest got = prepared(body(R"(,"max_output_tokens":7,"temperature":0.5,"top_p":0.9,"top_k":3,"seed":4,
      "stop":"x","top_logprobs":2,"reasoning":{"summary":"auto"})"));
  const infer::GenerationRequest& g = got.prompts[0];
  EXPECT_EQ(7, g.max_tokens);
  EXPECT_EQ(0.5, g.sampling.temperature);
  EXPECT_EQ(3, g.sampling.top_k);
  EXPECT_EQ(4u, g.seed);
  EXPECT_EQ(2, g.sampling.top_logprobs);
  EXPECT_EQ(std::vector<std::string>{"x"}, g.stop);
  ASSERT_EQ(1u, got.warnings.size());
  EXPECT_EQ("reasoning.summary: none is written; items have the reasoning itself", got.warnings[0]);
}

TEST_F(RequestTest, HoldsTheAnswerToAForm) {
  const char* format =
      R"(,"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}})";
  EXPECT_TRUE(prepared(body(format)).prompts[0].constraint.has_value());
  EXPECT_FALSE(prepared(body("")).prompts[0].constraint.has_value());
}

}  // namespace
}  // namespace maru::api::openai
