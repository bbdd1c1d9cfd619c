#include "api/ollama/answer.h"

#include <utility>

#include "api/dialect/whole_answer.h"
#include "api/ollama/error.h"
#include "http/json_body.h"

namespace maru::api::ollama {
namespace {

using serving::Answer;
using serving::AnswerPiece;

class WholeLine : public WholeAnswer {
 public:
  WholeLine(AnswerInfo info, Answer answer)
      : WholeAnswer(std::move(answer), kDialect), info_(std::move(info)), listener_(info_.thinking) {}

 private:
  void add(AnswerPiece& piece) override {
    listener_.add(piece);
    last_ = std::move(piece);
  }

  Json body() override {
    Said said = listener_.take();
    const std::string text = said.text;
    return last_line(info_, std::move(said), answer(), last_, text);
  }

  const AnswerInfo info_;
  Listener listener_;
  AnswerPiece last_;
};

class StreamedAnswer : public http::EventStream {
 public:
  StreamedAnswer(AnswerInfo info, Answer answer)
      : info_(std::move(info)), answer_(std::move(answer)), listener_(info_.thinking) {}

  /// A blank before a line: an empty one is an error to clients.
  http::StreamForm form() const override { return {"application/x-ndjson", " "}; }

  bool take(std::string& to) override {
    for (AnswerPiece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece:
          listener_.add(piece);
          if (piece.finish) return end(piece, to), false;
          say(listener_.take(), to);
          break;
        case Answer::Next::kWait: return true;
        case Answer::Next::kFailed: to += kDialect.error_body(http::to_problem(answer_.error())) + "\n"; return false;
        case Answer::Next::kEnd: return false;
      }
    return true;
  }

 private:
  void say(Said said, std::string& to) {
    if (said.empty()) return;
    if (info_.keeps_context) text_ += said.text;
    to += http::to_line(line_of(info_, std::move(said), answer_.model().tokenizer())) + "\n";
  }

  /// What was said last has a line of its own, as Ollama sends it: some clients read no text where "done" is true.
  void end(const AnswerPiece& last, std::string& to) {
    say(listener_.take(), to);
    to += http::to_line(last_line(info_, {}, answer_, last, text_)) + "\n";
  }

  const AnswerInfo info_;
  Answer answer_;
  Listener listener_;
  std::string text_;  // of the whole answer, for its context
};

}  // namespace

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<WholeLine>(std::move(info), std::move(answer));
}

std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<StreamedAnswer>(std::move(info), std::move(answer));
}

}  // namespace maru::api::ollama
