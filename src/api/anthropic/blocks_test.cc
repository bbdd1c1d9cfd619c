#include "api/anthropic/blocks.h"

#include <gtest/gtest.h>

namespace maru::api::anthropic {
namespace {

using Kind = text::AnswerEvent::Kind;
using Events = std::vector<text::AnswerEvent>;

const Events kAll{{.kind = Kind::kReasoning, .text = "h"},
                  {.kind = Kind::kReasoning, .text = "m"},
                  {.kind = Kind::kText, .text = "I look."},
                  {.kind = Kind::kCallBegin, .text = "f", .call = 0, .id = "a"},
                  {.kind = Kind::kArguments, .text = "{\"x\"", .call = 0},
                  {.kind = Kind::kArguments, .text = ": 1}", .call = 0},
                  {.kind = Kind::kCallEnd, .call = 0},
                  {.kind = Kind::kCallBegin, .text = "g", .call = 1, .id = "b"},
                  {.kind = Kind::kArguments, .text = "{", .call = 1},
                  {.kind = Kind::kCallEnd, .call = 1}};

Json json(std::string_view text) { return parse_json(text, "test").value(); }

TEST(WholeBlocks, AreInOrder) {
  EXPECT_EQ(json(R"([{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "I look."},
                     {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                     {"type": "tool_use", "id": "b", "name": "g", "input": {"INVALID_JSON": "{"}}])"),
            whole_blocks(kAll, true));
  EXPECT_EQ("text", whole_blocks(kAll, false)[0]["type"]) << "thinking was not asked for";
  EXPECT_EQ(json(R"([{"type": "text", "text": ""}])"), whole_blocks({}, true));
}

std::vector<std::string> streamed(const Events& events, bool thinking) {
  std::vector<std::string> sent;
  const auto send = [&](const char* type, const Json& data) { sent.push_back(std::string(type) + " " + data.dump()); };
  BlockStream stream(thinking);
  for (const text::AnswerEvent& event : events) stream.add(event, send);
  stream.finish(send);
  return sent;
}

TEST(BlockStream, OpensAndClosesEachBlock) {
  const std::string delta = R"(content_block_delta {"index":)";
  EXPECT_EQ(
      (std::vector<std::string>{
          R"(content_block_start {"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})",
          delta + R"(0,"delta":{"type":"thinking_delta","thinking":"h"}})",
          delta + R"(0,"delta":{"type":"thinking_delta","thinking":"m"}})", R"(content_block_stop {"index":0})",
          R"(content_block_start {"index":1,"content_block":{"type":"text","text":""}})",
          delta + R"(1,"delta":{"type":"text_delta","text":"I look."}})", R"(content_block_stop {"index":1})",
          R"(content_block_start {"index":2,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}})",
          delta + R"(2,"delta":{"type":"input_json_delta","partial_json":"{\"x\""}})",
          delta + R"(2,"delta":{"type":"input_json_delta","partial_json":": 1}"}})",
          R"(content_block_stop {"index":2})",
          R"(content_block_start {"index":3,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}})",
          delta + R"(3,"delta":{"type":"input_json_delta","partial_json":"{"}})", R"(content_block_stop {"index":3})"}),
      streamed(kAll, true));
  EXPECT_EQ(R"(content_block_start {"index":0,"content_block":{"type":"text","text":""}})", streamed(kAll, false)[0]);
  EXPECT_EQ(2u, streamed({}, true).size()) << "an empty text";
}

}  // namespace
}  // namespace maru::api::anthropic
