#include "api/anthropic/answer.h"

#include <utility>

#include "api/anthropic/error.h"
#include "http/json_body.h"

namespace maru::api::anthropic {
namespace {

using infer::Piece;
using serving::Answer;

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

/// A message with the given content and why it ended; nulls while it has not.
Json message_of(const std::string& id, const Answer& answer, Json content, const Piece* last) {
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

class WholeAnswer : public http::Pending {
 public:
  WholeAnswer(std::string id, Answer answer) : id_(std::move(id)), answer_(std::move(answer)) {}

  bool ready() override {
    for (Piece piece;;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece:
          text_ += piece.text;
          last_ = std::move(piece);
          break;
        case Answer::Next::kWait: return false;
        case Answer::Next::kFailed: failed_ = true; return true;
        case Answer::Next::kEnd: return true;
      }
  }

  http::Response response() override {
    if (failed_) return http::to_response(http::to_problem(answer_.error()), kDialect);
    Json content = Json::array({{{"type", "text"}, {"text", text_}}});
    return {.body = http::to_line(message_of(id_, answer_, std::move(content), &last_))};
  }

 private:
  const std::string id_;
  Answer answer_;
  std::string text_;
  Piece last_;
  bool failed_ = false;
};

class StreamedAnswer : public http::EventStream {
 public:
  StreamedAnswer(std::string id, Answer answer) : id_(std::move(id)), answer_(std::move(answer)) {}

  bool take(std::string& to) override {
    if (!std::exchange(opened_, true)) open(to);
    for (Piece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece:
          add(piece, to);
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
  static void send(const char* type, Json data, std::string& to) {
    Json event{{"type", type}};
    event.update(data);
    http::append_event(to, http::to_line(event), type);
  }

  void open(std::string& to) {
    send("message_start", {{"message", message_of(id_, answer_, Json::array(), nullptr)}}, to);
    send("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}}, to);
  }
  static void add(const Piece& piece, std::string& to) {
    if (!piece.text.empty())
      send("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", piece.text}}}}, to);
  }
  void close(std::string& to) const {
    send("content_block_stop", {{"index", 0}}, to);
    const Json delta{{"stop_reason", stop_reason_of(last_)}, {"stop_sequence", or_null(last_.stop)}};
    send("message_delta", {{"delta", delta}, {"usage", {{"output_tokens", last_.num_tokens}}}}, to);
    send("message_stop", Json::object(), to);
  }

  const std::string id_;
  Answer answer_;
  Piece last_;
  bool opened_ = false;
};

}  // namespace

std::string_view stop_reason_of(const Piece& last) {
  CHECK(last.finish.has_value());
  if (*last.finish == infer::FinishReason::kLength) return "max_tokens";
  return last.stop.empty() ? "end_turn" : "stop_sequence";
}

std::unique_ptr<http::Pending> whole_answer(std::string id, Answer answer) {
  return std::make_unique<WholeAnswer>(std::move(id), std::move(answer));
}

std::unique_ptr<http::EventStream> streamed_answer(std::string id, Answer answer) {
  return std::make_unique<StreamedAnswer>(std::move(id), std::move(answer));
}

}  // namespace maru::api::anthropic
