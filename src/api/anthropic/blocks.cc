#include "api/anthropic/blocks.h"

#include <utility>

namespace maru::api::anthropic {
namespace {

using Kind = text::AnswerEvent::Kind;

Json text_block() { return {{"type", "text"}, {"text", ""}}; }
Json thinking_block() { return {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}; }
Json call_block(const text::AnswerEvent& call) {
  return {{"type", "tool_use"}, {"id", call.id}, {"name", call.text}, {"input", Json::object()}};
}

/// Text goes on with the block of its kind, if that is the last.
void say(Json& blocks, Json empty, const char* field, const std::string& text) {
  if (blocks.empty() || blocks.back()["type"] != empty["type"]) blocks.push_back(std::move(empty));
  blocks.back()[field].get_ref<std::string&>() += text;
}

Json input_of(const std::string& arguments) {
  Result<Json> input = parse_json(arguments, "input");
  if (input && input->is_object()) return std::move(*input);
  return {{"INVALID_JSON", arguments}};
}

}  // namespace

Json whole_blocks(const std::vector<text::AnswerEvent>& events, bool thinking) {
  Json blocks = Json::array();
  std::string arguments;
  for (const text::AnswerEvent& event : events) switch (event.kind) {
      case Kind::kText: say(blocks, text_block(), "text", event.text); break;
      case Kind::kReasoning:
        if (thinking) say(blocks, thinking_block(), "thinking", event.text);
        break;
      case Kind::kCallBegin: blocks.push_back(call_block(event)), arguments.clear(); break;
      case Kind::kArguments: arguments += event.text; break;
      case Kind::kCallEnd: blocks.back()["input"] = input_of(arguments); break;
    }
  if (blocks.empty()) blocks.push_back(text_block());
  return blocks;
}

void BlockStream::open(Kind kind, Json block, const Send& send) {
  if (is_open_ && open_ == kind && kind != Kind::kCallBegin) return;
  close(send);
  is_open_ = true;
  open_ = kind;
  send("content_block_start", {{"index", index_}, {"content_block", std::move(block)}});
}

void BlockStream::close(const Send& send) {
  if (!std::exchange(is_open_, false)) return;
  send("content_block_stop", {{"index", index_++}});
}

void BlockStream::delta(Json delta, const Send& send) const {
  send("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
}

void BlockStream::add(const text::AnswerEvent& event, const Send& send) {
  switch (event.kind) {
    case Kind::kText:
      open(Kind::kText, text_block(), send);
      return delta({{"type", "text_delta"}, {"text", event.text}}, send);
    case Kind::kReasoning:
      if (!thinking_) return;
      open(Kind::kReasoning, thinking_block(), send);
      return delta({{"type", "thinking_delta"}, {"thinking", event.text}}, send);
    case Kind::kCallBegin: return open(Kind::kCallBegin, call_block(event), send);
    case Kind::kArguments: return delta({{"type", "input_json_delta"}, {"partial_json", event.text}}, send);
    case Kind::kCallEnd: return close(send);
  }
}

void BlockStream::finish(const Send& send) {
  if (index_ == 0 && !is_open_) open(Kind::kText, text_block(), send);
  close(send);
}

}  // namespace maru::api::anthropic
