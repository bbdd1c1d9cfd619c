#include "telegraph/answer.h"

#include <utility>

#include "api/dialect/whole_answer.h"
#include "http/json_body.h"
#include "telegraph/error.h"

namespace maru::api::telegraph {
namespace {

using serving::Answer;
using serving::AnswerPiece;

/// "the wire is full", "until WORD" or "over".
std::string ended(const AnswerPiece& last) {
  if (last.finish == infer::FinishReason::kLength) return "the wire is full";
  return last.stop.empty() ? "over" : "until " + last.stop;
}

class WholeTelegram : public WholeAnswer {
 public:
  explicit WholeTelegram(Answer answer) : WholeAnswer(std::move(answer), kDialect) {}

 private:
  void add(AnswerPiece& piece) override {
    text_ += piece.text;
    if (piece.finish) ended_ = ended(piece);
  }
  Json body() override { return {{"station", answer().model().id()}, {"reply", text_}, {"ended", ended_}}; }

  std::string text_, ended_;
};

class StreamedAnswer : public http::EventStream {
 public:
  explicit StreamedAnswer(Answer answer) : answer_(std::move(answer)) {}

  bool take(std::string& to) override {
    for (AnswerPiece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece: add(piece, to); break;
        case Answer::Next::kWait: return true;
        case Answer::Next::kFailed:
          http::append_event(to, kDialect.error_body(http::to_problem(answer_.error())), "fault");
          return false;
        case Answer::Next::kEnd: return false;
      }
    return true;
  }

 private:
  static void add(const AnswerPiece& piece, std::string& to) {
    if (!piece.text.empty()) http::append_event(to, http::to_line({{"text", piece.text}}), "signal");
    if (piece.finish) http::append_event(to, http::to_line({{"ended", ended(piece)}}), "over");
  }
  Answer answer_;
};

}  // namespace

std::unique_ptr<http::Pending> whole_answer(Answer answer) {
  return std::make_unique<WholeTelegram>(std::move(answer));
}

std::unique_ptr<http::EventStream> streamed_answer(Answer answer) {
  return std::make_unique<StreamedAnswer>(std::move(answer));
}

}  // namespace maru::api::telegraph
