#include "server/openai_answer.h"

#include <utility>

#include "server/api_error.h"
#include "server/openai_json.h"

namespace maru::server {
namespace {

using infer::Generation;
using infer::Piece;

/// Takes pieces of several generations in turn, with choices numbered across all of them.
class PieceReader {
 public:
  PieceReader(const AnswerInfo& info, Generations generations)
      : choices_per_prompt_(info.choices_per_prompt), generations_(std::move(generations)) {}

  Generation::Next next(Piece& piece) {
    bool ended = true;
    for (size_t i = 0; i < generations_.size(); ++i) {
      const Generation::Next next = generations_[i]->next(piece);
      if (next == Generation::Next::kFailed) error_ = generations_[i]->error();
      if (next == Generation::Next::kPiece) piece.choice += static_cast<int64_t>(i) * choices_per_prompt_;
      if (next == Generation::Next::kFailed || next == Generation::Next::kPiece) return next;
      ended &= next == Generation::Next::kEnd;
    }
    return ended ? Generation::Next::kEnd : Generation::Next::kWait;
  }
  const Error& error() const { return error_; }
  size_t num_choices() const { return generations_.size() * static_cast<size_t>(choices_per_prompt_); }
  /// Cancels everything.
  void drop() { generations_.clear(); }

 private:
  int64_t choices_per_prompt_;
  Generations generations_;
  Error error_;
};

class WholeAnswer : public Pending {
 public:
  WholeAnswer(AnswerInfo info, Generations generations)
      : info_(std::move(info)),
        reader_(info_, std::move(generations)),
        parts_(reader_.num_choices()),
        offsets_(parts_.size()) {
    for (size_t i = 0; i < parts_.size(); ++i) {
      parts_[i].index = static_cast<int64_t>(i);
      parts_[i].text = info_.echo.at(i / static_cast<size_t>(info_.choices_per_prompt));
    }
  }

  bool ready() override {
    for (Piece piece;;) switch (reader_.next(piece)) {
        case Generation::Next::kPiece: add(piece); break;
        case Generation::Next::kWait: return false;
        case Generation::Next::kFailed: failed_ = true; return true;
        case Generation::Next::kEnd: return true;
      }
  }

  Response response() override {
    if (failed_) return to_response(to_api_error(reader_.error()));
    Json choices = Json::array();
    for (const ChoicePart& part : parts_) choices.push_back(whole_choice(info_, part));
    Json body = envelope(info_, false, std::move(choices));
    add_warnings(info_, body);
    body["usage"] = usage_json(info_.prompt_tokens, completion_tokens_);
    return {.body = to_line(body)};
  }

 private:
  void add(Piece& piece) {
    const auto choice = static_cast<size_t>(piece.choice);
    ChoicePart& part = parts_[choice];
    part.text += piece.text;
    append_tokens(info_, std::move(piece.tokens), offsets_[choice], part);
    if (!piece.finish) return;
    part.finish = piece.finish;
    completion_tokens_ += piece.num_tokens;
  }

  AnswerInfo info_;
  PieceReader reader_;
  std::vector<ChoicePart> parts_;
  std::vector<TextOffset> offsets_;  // per choice
  int64_t completion_tokens_ = 0;
  bool failed_ = false;
};

class StreamedAnswer : public EventStream {
 public:
  StreamedAnswer(AnswerInfo info, Generations generations)
      : info_(std::move(info)), reader_(info_, std::move(generations)), states_(reader_.num_choices()) {}

  bool take(std::string& to) override {
    if (!std::exchange(opened_, true)) open(to);
    for (Piece piece; to.size() < kTakeBytes;) switch (reader_.next(piece)) {
        case Generation::Next::kPiece: add(piece, to); break;
        case Generation::Next::kWait: return true;
        case Generation::Next::kFailed: return append_event(to, error_body(to_api_error(reader_.error()))), false;
        case Generation::Next::kEnd: return close(to), false;
      }
    return true;
  }

 private:
  struct ChoiceState {
    int64_t num_tokens = 0;
    TextOffset offset;
  };

  void open(std::string& to) {
    for (size_t i = 0; i < states_.size(); ++i) {
      ChoicePart part{.index = static_cast<int64_t>(i)};
      part.text = info_.echo.at(i / static_cast<size_t>(info_.choices_per_prompt));
      if (info_.chat || !part.text.empty()) send(part, to, true);
    }
  }

  void add(Piece& piece, std::string& to) {
    ChoiceState& state = states_[static_cast<size_t>(piece.choice)];
    if (!piece.is_prompt) state.num_tokens = piece.num_tokens;
    ChoicePart part{.index = piece.choice, .text = std::move(piece.text), .finish = piece.finish};
    append_tokens(info_, std::move(piece.tokens), state.offset, part);
    // In a chat the reason comes in a chunk of its own, as OpenAI sends it.
    const std::optional<infer::FinishReason> finish = info_.chat ? std::exchange(part.finish, {}) : std::nullopt;
    if (!part.text.empty() || !part.tokens.empty() || part.finish) send(part, to, false);
    if (finish) send({.index = part.index, .finish = finish}, to, false);
  }

  void send(const ChoicePart& part, std::string& to, bool opening) {
    Json chunk = envelope(info_, true, Json::array({chunk_choice(info_, part, opening)}));
    if (!std::exchange(warned_, true)) add_warnings(info_, chunk);
    if (info_.usage_always)
      chunk["usage"] = usage();
    else if (info_.usage)
      chunk["usage"] = nullptr;
    append_event(to, to_line(chunk));
  }

  void close(std::string& to) {
    if (info_.usage) {
      Json last = envelope(info_, true, Json::array());
      last["usage"] = usage();
      append_event(to, to_line(last));
    }
    append_event(to, "[DONE]");
  }

  Json usage() const {
    int64_t tokens = 0;
    for (const ChoiceState& state : states_) tokens += state.num_tokens;
    return usage_json(info_.prompt_tokens, tokens);
  }

  AnswerInfo info_;
  PieceReader reader_;
  std::vector<ChoiceState> states_;
  bool opened_ = false, warned_ = false;
};

}  // namespace

std::unique_ptr<Pending> whole_answer(AnswerInfo info, Generations generations) {
  return std::make_unique<WholeAnswer>(std::move(info), std::move(generations));
}

std::unique_ptr<EventStream> streamed_answer(AnswerInfo info, Generations generations) {
  return std::make_unique<StreamedAnswer>(std::move(info), std::move(generations));
}

}  // namespace maru::server
