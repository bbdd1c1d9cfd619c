#include "api/openai/responses/output.h"

#include <gtest/gtest.h>

#include "infer/fake_model.h"

namespace maru::api::openai {
namespace {

using Kind = text::AnswerEvent::Kind;

class OutputTest : public ::testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  std::vector<std::string> types_;
  std::vector<Json> events_;
  int ids_ = 0;
  Output output_{{.tokenizer = &tokenizer_},
                 [this](std::string_view prefix) { return std::string(prefix) + std::to_string(++ids_); }};
  Output::Send send_ = [this](const char* type, Json data) {
    types_.emplace_back(type);
    events_.push_back(std::move(data));
  };

  void say(std::vector<text::AnswerEvent> events, int64_t num_tokens,
           std::optional<infer::FinishReason> finish = std::nullopt) {
    serving::AnswerPiece piece;
    piece.events = std::move(events);
    piece.num_tokens = num_tokens;
    piece.finish = finish;
    output_.add(piece, send_);
  }
};

TEST_F(OutputTest, TellsEachItemFromItsBeginningToItsEnd) {
  say({{.kind = Kind::kReasoning, .text = "hm"}}, 3);
  say({{.kind = Kind::kText, .text = "I "}}, 4);
  say({{.kind = Kind::kText, .text = "look"}, {.kind = Kind::kCallBegin, .text = "f", .call = 0, .id = "c1"}}, 6);
  say({{.kind = Kind::kArguments, .text = "{}", .call = 0}, {.kind = Kind::kCallEnd, .call = 0}}, 8,
      infer::FinishReason::kStop);
  output_.finish(true, send_);
  const std::vector<std::string> want{"response.output_item.added",
                                      "response.content_part.added",
                                      "response.reasoning_text.delta",
                                      "response.reasoning_text.done",
                                      "response.content_part.done",
                                      "response.output_item.done",
                                      "response.output_item.added",
                                      "response.content_part.added",
                                      "response.output_text.delta",
                                      "response.output_text.delta",
                                      "response.output_text.done",
                                      "response.content_part.done",
                                      "response.output_item.done",
                                      "response.output_item.added",
                                      "response.function_call_arguments.delta",
                                      "response.function_call_arguments.done",
                                      "response.output_item.done"};
  EXPECT_EQ(want, types_);
  const Json& items = output_.items();
  ASSERT_EQ(3u, items.size());
  EXPECT_EQ("hm", items[0]["content"][0]["text"]);
  EXPECT_EQ("I look", items[1]["content"][0]["text"]);
  EXPECT_EQ("{}", items[2]["arguments"]);
  EXPECT_EQ("c1", items[2]["call_id"]);
  for (size_t i = 0; i < events_.size(); ++i) {  // all events of an item name it
    const Json& event = events_[i];
    const size_t index = event["output_index"];
    const Json& id = event.contains("item") ? event["item"]["id"] : event["item_id"];
    EXPECT_EQ(items[index]["id"], id) << types_[i];
  }
  for (const Json& item : items) EXPECT_EQ("completed", item["status"]);
  EXPECT_EQ(8, output_.num_tokens());
  EXPECT_EQ(3, output_.reasoning_tokens());
}

TEST_F(OutputTest, WhatIsCutOffIsIncomplete) {
  say({{.kind = Kind::kText, .text = "half a"}}, 2, infer::FinishReason::kLength);
  output_.finish(output_.finish_reason() == infer::FinishReason::kStop, send_);
  EXPECT_EQ("incomplete", output_.items()[0]["status"]);
  EXPECT_EQ("response.output_item.done", types_.back());
}

TEST_F(OutputTest, SilenceIsAnEmptyMessage) {
  say({}, 1, infer::FinishReason::kStop);
  output_.finish(true, send_);
  ASSERT_EQ(1u, output_.items().size());
  EXPECT_EQ("", output_.items()[0]["content"][0]["text"]);
  EXPECT_EQ(0, std::count(types_.begin(), types_.end(), "response.output_text.delta"));
}

}  // namespace
}  // namespace maru::api::openai
