#include "api/openai/json.h"

#include <gtest/gtest.h>

#include "infer/fake_model.h"

namespace maru::api::openai {
namespace {

using Kind = text::AnswerEvent::Kind;

ChoicePart answered(std::vector<text::AnswerEvent> events, bool called = false) {
  ChoicePart part{.events = std::move(events)};
  part.finish = infer::FinishReason::kStop;
  part.called = called;
  return part;
}

Json message(const ChoicePart& part, bool reasoning = true) {
  return whole_choice({.chat = true, .reasoning = reasoning}, part)["message"];
}

TEST(WholeChoice, HasNoContentWhereToolsAreCalledAlone) {
  const ChoicePart part = answered({{.kind = Kind::kCallBegin, .text = "f", .call = 0, .id = "a"},
                                    {.kind = Kind::kArguments, .text = "{\"x\"", .call = 0},
                                    {.kind = Kind::kArguments, .text = ": 1}", .call = 0},
                                    {.kind = Kind::kCallEnd, .call = 0},
                                    {.kind = Kind::kCallBegin, .text = "g", .call = 1, .id = "b"},
                                    {.kind = Kind::kArguments, .text = "{}", .call = 1},
                                    {.kind = Kind::kCallEnd, .call = 1}},
                                   true);
  const Json want =
      parse_json(R"([{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
                                   {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}])",
                 "want")
          .value();
  EXPECT_TRUE(message(part)["content"].is_null());
  EXPECT_EQ(want, message(part)["tool_calls"]);
  EXPECT_EQ("tool_calls", whole_choice({.chat = true}, part)["finish_reason"]);
}

TEST(WholeChoice, SaysReasoningUnderBothNamesOrNotAtAll) {
  const ChoicePart part = answered({{.kind = Kind::kReasoning, .text = "hm"}, {.kind = Kind::kText, .text = "so"}});
  EXPECT_EQ("so", message(part)["content"]);
  EXPECT_EQ("hm", message(part)["reasoning"]);
  EXPECT_EQ("hm", message(part)["reasoning_content"]);
  EXPECT_FALSE(message(part, false).contains("reasoning"));
  EXPECT_FALSE(message(part, false).contains("reasoning_content"));
  EXPECT_FALSE(message(part).contains("tool_calls"));
  EXPECT_EQ("stop", whole_choice({.chat = true}, part)["finish_reason"]);
  EXPECT_EQ("", message(answered({}))["content"]) << "said nothing";
  EXPECT_TRUE(message(answered({{.kind = Kind::kReasoning, .text = "hm"}}))["content"].is_null());
}

TEST(ChunkChoice, NamesACallFirstAndThenItsArguments) {
  const auto delta = [](text::AnswerEvent event) {
    ChoicePart part;
    part.events.push_back(std::move(event));
    return chunk_choice({.chat = true}, part)["delta"].dump();
  };
  EXPECT_EQ(R"({"tool_calls":[{"index":1,"id":"a","type":"function","function":{"name":"f","arguments":""}}]})",
            delta({.kind = Kind::kCallBegin, .text = "f", .call = 1, .id = "a"}));
  EXPECT_EQ(R"({"tool_calls":[{"index":1,"function":{"arguments":"{"}}]})",
            delta({.kind = Kind::kArguments, .text = "{", .call = 1}));
  EXPECT_EQ(R"({"reasoning":"hm","reasoning_content":"hm"})", delta({.kind = Kind::kReasoning, .text = "hm"}));
  EXPECT_EQ(R"({"content":"so"})", delta({.kind = Kind::kText, .text = "so"}));
}

TEST(PromptLogprobs, AreVllms) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  AnswerInfo info{.chat = true, .tokenizer = &tokenizer, .prompt_top = 1};
  const std::vector<infer::ScoredToken> scores{
      {.token = 0}, {.token = 5 + 'a', .logprob = -2.0f, .top = {{5 + 'b', -1.0f}, {5 + 'c', -1.5f}}, .rank = 7}};
  Json body = Json::object();
  add_prompt(info, 0, scores, body);
  ASSERT_EQ(2u, body["prompt_logprobs"].size());
  EXPECT_TRUE(body["prompt_logprobs"][0].is_null());
  EXPECT_EQ(parse_json(R"({"102":{"logprob":-2.0,"rank":7,"decoded_token":"a"},
                           "103":{"logprob":-1.0,"rank":1,"decoded_token":"b"}})",
                       "want")
                .value(),
            body["prompt_logprobs"][1]);
  info.tokens_as_ids = true;
  EXPECT_EQ("token_id:102", name_of_token(info, 5 + 'a'));
  EXPECT_FALSE(body.contains("prompt_token_ids"));
}

}  // namespace
}  // namespace maru::api::openai
