#include "api/openai/responses/output.h"

#include <algorithm>
#include <utility>

#include "api/openai/json.h"

namespace maru::api::openai {
namespace {

using Kind = text::AnswerEvent::Kind;

Json text_part() {
  return {{"type", "output_text"}, {"text", ""}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}
Json reasoning_part() { return {{"type", "reasoning_text"}, {"text", ""}}; }

bool is_reasoning(const serving::AnswerPiece& piece) {
  return !piece.events.empty() && std::all_of(piece.events.begin(), piece.events.end(),
                                              [](const auto& event) { return event.kind == Kind::kReasoning; });
}

}  // namespace

void Output::add(serving::AnswerPiece& piece, const Send& send) {
  if (piece.is_prompt) return;
  if (is_reasoning(piece)) reasoning_tokens_ += piece.num_tokens - num_tokens_;
  num_tokens_ = piece.num_tokens;
  if (tokens_.logprobs) logprobs_ = token_logprobs(tokens_, piece.tokens);
  for (const text::AnswerEvent& event : piece.events) add(event, send);
  if (piece.finish) finish_ = piece.finish;
}

infer::FinishReason Output::finish_reason() const {
  CHECK(finish_.has_value());
  return *finish_;
}

void Output::add(const text::AnswerEvent& event, const Send& send) {
  switch (event.kind) {
    case Kind::kText:
    case Kind::kReasoning: return say(event.kind, event.text, send);
    case Kind::kCallBegin:
      close(true, send);
      kind_ = Kind::kCallBegin;
      return open({{"id", new_id_("fc_")},
                   {"type", "function_call"},
                   {"status", "in_progress"},
                   {"call_id", event.id},
                   {"name", event.text},
                   {"arguments", ""}},
                  send);
    case Kind::kArguments:
      item()["arguments"].get_ref<std::string&>() += event.text;
      return send("response.function_call_arguments.delta", at({{"delta", event.text}}, false));
    case Kind::kCallEnd: return close(true, send);
  }
}

void Output::open(Json item, const Send& send) {
  items_.push_back(std::move(item));
  open_ = true;
  send("response.output_item.added", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
}

void Output::open_part(Json part, const Send& send) {
  item()["content"].push_back(part);
  send("response.content_part.added", at({{"part", std::move(part)}}, true));
}

void Output::say(Kind kind, const std::string& text, const Send& send) {
  const bool is_text = kind == Kind::kText;
  if (!open_ || kind_ != kind) {
    close(true, send);
    kind_ = kind;
    if (is_text)
      open({{"id", new_id_("msg_")},
            {"type", "message"},
            {"status", "in_progress"},
            {"role", "assistant"},
            {"content", Json::array()}},
           send);
    else
      open({{"id", new_id_("rs_")},
            {"type", "reasoning"},
            {"status", "in_progress"},
            {"summary", Json::array()},
            {"content", Json::array()}},
           send);
    open_part(is_text ? text_part() : reasoning_part(), send);
  }
  Json& part = item()["content"].back();
  part["text"].get_ref<std::string&>() += text;
  if (text.empty()) return;
  if (!is_text) return send("response.reasoning_text.delta", at({{"delta", text}}, true));
  for (const Json& one : logprobs_) part["logprobs"].push_back(one);
  send("response.output_text.delta",
       at({{"delta", text}, {"logprobs", std::exchange(logprobs_, Json::array())}}, true));
}

void Output::close_part(const Send& send) {
  const Json& part = item()["content"].back();
  if (kind_ == Kind::kText)
    send("response.output_text.done", at({{"text", part["text"]}, {"logprobs", part["logprobs"]}}, true));
  else
    send("response.reasoning_text.done", at({{"text", part["text"]}}, true));
  send("response.content_part.done", at({{"part", part}}, true));
}

void Output::close(bool complete, const Send& send) {
  if (!std::exchange(open_, false)) return;
  if (kind_ == Kind::kCallBegin)
    send("response.function_call_arguments.done",
         at({{"name", item()["name"]}, {"arguments", item()["arguments"]}}, false));
  else
    close_part(send);
  item()["status"] = complete ? "completed" : "incomplete";
  send("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", items_.back()}});
}

void Output::finish(bool complete, const Send& send) {
  if (items_.empty()) say(Kind::kText, "", send);
  close(complete, send);
}

Json Output::at(Json more, bool in_part) const {
  Json place{{"item_id", items_.back()["id"]}, {"output_index", items_.size() - 1}};
  if (in_part) place["content_index"] = 0;
  place.update(more);
  return place;
}

}  // namespace maru::api::openai
