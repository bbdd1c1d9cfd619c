#include <gtest/gtest.h>

#include "api/ollama/error.h"
#include "api/ollama/lines.h"
#include "api/ollama/names.h"
#include "infer/fake_model.h"

namespace maru::api::ollama {
namespace {

using Kind = text::AnswerEvent::Kind;

serving::AnswerPiece piece(std::vector<text::AnswerEvent> events) {
  serving::AnswerPiece piece;
  piece.events = std::move(events);
  return piece;
}

TEST(Listener, GivesCallsOnceTheyAreWhole) {
  Listener listener(true);
  auto begin = piece({{.kind = Kind::kReasoning, .text = "hm"},
                      {.kind = Kind::kText, .text = "so"},
                      {.kind = Kind::kCallBegin, .text = "f", .call = 0, .id = "call_1"},
                      {.kind = Kind::kArguments, .text = R"({"a":)"}});
  listener.add(begin);
  const Said first = listener.take();
  EXPECT_EQ("so", first.text);
  EXPECT_EQ("hm", first.thinking);
  EXPECT_TRUE(first.calls.empty());
  EXPECT_TRUE(listener.take().empty());
  auto rest = piece({{.kind = Kind::kArguments, .text = "1}"},
                     {.kind = Kind::kCallEnd},
                     {.kind = Kind::kCallBegin, .text = "g", .call = 1, .id = "call_2"},
                     {.kind = Kind::kArguments, .text = "{\"cut"},
                     {.kind = Kind::kCallEnd}});
  listener.add(rest);
  EXPECT_EQ(parse_json(R"([{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a":1}}},
                           {"id":"call_2","function":{"index":0,"name":"g","arguments":{"INVALID_JSON":"{\"cut"}}}])",
                       "expected")
                .value(),
            listener.take().calls);
}

TEST(Listener, LeavesThinkingOut) {
  Listener listener(false);
  auto thought = piece({{.kind = Kind::kReasoning, .text = "hm"}});
  listener.add(thought);
  EXPECT_TRUE(listener.take().empty());
}

TEST(Lines, HaveOllamasShape) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  Said said{.text = "a", .thinking = "b"};
  said.tokens.push_back({.token = 'a', .logprob = -0.5F, .top = {{.token = 'b', .logprob = -1}}});
  const Json chat = line_of({.chat = true, .model = "m", .logprobs = true}, said, tokenizer);
  EXPECT_EQ("m", chat["model"]);
  EXPECT_EQ(false, chat["done"]);
  EXPECT_EQ((Json{{"role", "assistant"}, {"content", "a"}, {"thinking", "b"}}), chat["message"]);
  EXPECT_EQ(-0.5, chat["logprobs"][0]["logprob"]);
  EXPECT_EQ(1u, chat["logprobs"][0]["top_logprobs"].size());
  const Json prompt = line_of({.model = "m"}, said, tokenizer);
  EXPECT_EQ("a", prompt["response"]);
  EXPECT_EQ("b", prompt["thinking"]);
  EXPECT_FALSE(prompt.contains("message"));
  EXPECT_FALSE(prompt.contains("logprobs"));
  const Json loaded = loaded_line(true, "m");
  EXPECT_EQ("load", loaded["done_reason"]);
  EXPECT_EQ(true, loaded["done"]);
  EXPECT_EQ("", loaded["message"]["content"]);
}

TEST(Lines, TellTimeAsRfc3339) {
  using std::chrono::system_clock;
  const auto time = system_clock::time_point(
      std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(1700000000123456789)));
  EXPECT_EQ("2023-11-14T22:13:20.123456789Z", time_text(time));
  EXPECT_EQ("1970-01-01T00:00:00.000000000Z", time_text({}));
}

TEST(Names, HaveATag) {
  EXPECT_EQ("tiny:latest", listed_name("tiny"));
  EXPECT_EQ("tiny:1b", listed_name("tiny:1b"));
}

TEST(ErrorBody, HasOllamasShape) {
  EXPECT_EQ(R"({"error":"full"})", kDialect.error_body({.status = 503, .message = "full"}));
}

}  // namespace
}  // namespace maru::api::ollama
