#include "api/anthropic/answer.h"

#include <iterator>
#include <utility>
#include <vector>

#include "api/anthropic/blocks.h"
#include "api/anthropic/error.h"
#include "api/dialect/whole_answer.h"
#include "http/json_body.h"

namespace maru::api::anthropic {
namespace {

using serving::Answer;
using serving::AnswerPiece;

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

/// A message with the given content and why it ended; nulls while it has not.
Json message_of(const std::string& id, const Answer& answer, Json content, const AnswerPiece* last) {
  const Json reason = last == nullptr ? Json(nullptr) : Json(stop_reason_of(*last));
  return {
      {"id", id},
      {"type", "message"},
      {"role", "assistant"},
      {"model", answer.model().id()},
      {"content", std::move(content)},
      {"stop_reason", reason},
      {"stop_sequence", last == nullptr ? Json(nullptr) : or_null(last->stop)},
      {"usage", {{"input_tokens", answer.prompt_tokens()}, {"output_tokens", last == nullptr ? 0 : last->num_tokens}}}};
}

class WholeMessage : public WholeAnswer {
 public:
  WholeMessage(AnswerInfo info, Answer answer) : WholeAnswer(std::move(answer), kDialect), info_(std::move(info)) {}

 private:
  void add(AnswerPiece& piece) override {
    std::move(piece.events.begin(), piece.events.end(), std::back_inserter(events_));
    last_ = std::move(piece);
  }

  Json body() override {
    Json content = whole_blocks(events_, info_.thinking);
    Json message = message_of(info_.id, answer(), std::move(content), &last_);
    if (Json receipt = answer().receipt(); !receipt.is_null()) message["receipt"] = std::move(receipt);
    return message;
  }

  const AnswerInfo info_;
  std::vector<text::AnswerEvent> events_;
  AnswerPiece last_;
};

class StreamedAnswer : public http::EventStream {
 public:
  StreamedAnswer(AnswerInfo info, Answer answer)
      : info_(std::move(info)), answer_(std::move(answer)), blocks_(info_.thinking) {}

  bool take(std::string& to) override {
    if (!std::exchange(opened_, true)) open(to);
    for (AnswerPiece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece:
          for (const text::AnswerEvent& event : piece.events) blocks_.add(event, sender(to));
          last_ = std::move(piece);
          break;
        case Answer::Next::kWait: return true;
        case Answer::Next::kFailed:
          http::append_event(to, kDialect.error_body(http::to_problem(answer_.error())), "error");
          return false;
        case Answer::Next::kEnd: return close(to), false;
      }
    return true;
  }

 private:
  /// An event names its type twice: as an event, and in its data.
  static void send(const char* type, const Json& data, std::string& to) {
    Json event{{"type", type}};
    event.update(data);
    http::append_event(to, http::to_line(event), type);
  }

  static BlockStream::Send sender(std::string& to) {
    return [&to](const char* type, const Json& data) { send(type, data, to); };
  }

  void open(std::string& to) {
    send("message_start", {{"message", message_of(info_.id, answer_, Json::array(), nullptr)}}, to);
  }
  void close(std::string& to) {
    blocks_.finish(sender(to));
    const Json delta{{"stop_reason", stop_reason_of(last_)}, {"stop_sequence", or_null(last_.stop)}};
    Json data{{"delta", delta}, {"usage", {{"output_tokens", last_.num_tokens}}}};
    if (Json receipt = answer_.receipt(); !receipt.is_null()) data["receipt"] = std::move(receipt);
    send("message_delta", data, to);
    send("message_stop", Json::object(), to);
  }

  const AnswerInfo info_;
  Answer answer_;
  BlockStream blocks_;
  AnswerPiece last_;
  bool opened_ = false;
};

}  // namespace

std::string_view stop_reason_of(const AnswerPiece& last) {
  CHECK(last.finish.has_value());
  if (*last.finish == infer::FinishReason::kLength) return "max_tokens";
  if (last.called) return "tool_use";
  return last.stop.empty() ? "end_turn" : "stop_sequence";
}

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<WholeMessage>(std::move(info), std::move(answer));
}

std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<StreamedAnswer>(std::move(info), std::move(answer));
}

}  // namespace maru::api::anthropic
