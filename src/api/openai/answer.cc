#include "api/openai/answer.h"

#include <iterator>
#include <utility>

#include "api/dialect/whole_answer.h"
#include "api/openai/error.h"
#include "api/openai/json.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

using serving::Answer;
using serving::AnswerPiece;

/// "receipt", where one was ordered. All choices have ended.
void add_receipt(const Answer& answer, Json& body) {
  if (Json receipt = answer.receipt(); !receipt.is_null()) body["receipt"] = std::move(receipt);
}

class WholeChoices : public WholeAnswer {
 public:
  WholeChoices(AnswerInfo info, Answer answer)
      : WholeAnswer(std::move(answer), kDialect),
        info_(std::move(info)),
        parts_(this->answer().num_choices()),
        offsets_(parts_.size()) {
    for (size_t i = 0; i < parts_.size(); ++i) {
      parts_[i].index = static_cast<int64_t>(i);
      parts_[i].text = info_.echo.at(this->answer().prompt_of(i));
    }
  }

 private:
  Json body() override {
    Json choices = Json::array();
    for (size_t i = 0; i < parts_.size(); ++i) {
      choices.push_back(whole_choice(info_, parts_[i]));
      if (!info_.chat) add_prompt(info_, answer().prompt_of(i), parts_[i].prompt_scores, choices.back());
    }
    Json body = envelope(info_, false, std::move(choices));
    if (info_.chat) add_prompt(info_, 0, parts_.front().prompt_scores, body);
    add_warnings(info_, body);
    body["usage"] = usage_json(answer().prompt_tokens(), completion_tokens_, answer().reused_tokens());
    add_receipt(answer(), body);
    return body;
  }

  void add(AnswerPiece& piece) override {
    const auto choice = static_cast<size_t>(piece.choice);
    ChoicePart& part = parts_[choice];
    if (info_.chat)
      std::move(piece.events.begin(), piece.events.end(), std::back_inserter(part.events));
    else
      part.text += piece.text;
    append_tokens(info_, piece, offsets_[choice], part);
    if (!piece.finish) return;
    part.finish = piece.finish;
    part.called = piece.called;
    completion_tokens_ += piece.num_tokens;
  }

  AnswerInfo info_;
  std::vector<ChoicePart> parts_;
  std::vector<TextOffset> offsets_;  // per choice
  int64_t completion_tokens_ = 0;
};

class StreamedAnswer : public http::EventStream {
 public:
  StreamedAnswer(AnswerInfo info, Answer answer)
      : info_(std::move(info)), answer_(std::move(answer)), states_(answer_.num_choices()) {}

  bool take(std::string& to) override {
    if (!std::exchange(opened_, true)) open(to);
    for (AnswerPiece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece: add(piece, to); break;
        case Answer::Next::kWait: return true;
        case Answer::Next::kFailed:
          return http::append_event(to, kDialect.error_body(http::to_problem(answer_.error()))), false;
        case Answer::Next::kEnd: return close(to), false;
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
      part.text = info_.echo.at(answer_.prompt_of(i));
      if (info_.chat || !part.text.empty() || info_.token_ids) send(part, to, true);
    }
  }

  void add(AnswerPiece& piece, std::string& to) {
    ChoiceState& state = states_[static_cast<size_t>(piece.choice)];
    if (!piece.is_prompt) state.num_tokens = piece.num_tokens;
    ChoicePart part{.index = piece.choice};
    append_tokens(info_, piece, state.offset, part);
    if (info_.chat) return add_chat(piece, std::move(part), to);
    part.text = std::move(piece.text);
    part.finish = piece.finish;
    if (!part.text.empty() || !part.tokens.empty() || !part.ids.empty() || part.finish) send(part, to, false);
  }

  /// A chunk for each event, tokens with the first; the reason comes in a chunk of its own, as OpenAI sends it.
  void add_chat(AnswerPiece& piece, ChoicePart part, std::string& to) {
    for (text::AnswerEvent& event : piece.events) {
      const bool hidden = event.kind == text::AnswerEvent::Kind::kReasoning && !info_.reasoning;
      if (hidden || event.kind == text::AnswerEvent::Kind::kCallEnd) continue;
      part.events.push_back(std::move(event));
      send(std::exchange(part, {.index = part.index}), to, false);
    }
    if (!part.tokens.empty() || !part.ids.empty()) send(part, to, false);
    if (piece.finish) send({.index = part.index, .finish = piece.finish, .called = piece.called}, to, false);
  }

  void send(const ChoicePart& part, std::string& to, bool opening) {
    Json choice = chunk_choice(info_, part, opening);
    const size_t prompt = answer_.prompt_of(static_cast<size_t>(part.index));
    if (opening && !info_.chat) add_prompt(info_, prompt, {}, choice);
    Json chunk = envelope(info_, true, Json::array({std::move(choice)}));
    if (opening && info_.chat && part.index == 0) add_prompt(info_, prompt, {}, chunk);
    if (!std::exchange(warned_, true)) add_warnings(info_, chunk);
    if (info_.usage_always)
      chunk["usage"] = usage();
    else if (info_.usage)
      chunk["usage"] = nullptr;
    ended_ += part.finish ? 1 : 0;
    const bool last = part.finish && ended_ == states_.size() && !info_.usage;
    if (last) add_receipt(answer_, chunk);
    http::append_event(to, http::to_line(chunk));
  }

  void close(std::string& to) {
    if (info_.usage) {
      Json last = envelope(info_, true, Json::array());
      last["usage"] = usage();
      add_receipt(answer_, last);
      http::append_event(to, http::to_line(last));
    }
    http::append_event(to, "[DONE]");
  }

  Json usage() const {
    int64_t tokens = 0;
    for (const ChoiceState& state : states_) tokens += state.num_tokens;
    return usage_json(answer_.prompt_tokens(), tokens, answer_.reused_tokens());
  }

  AnswerInfo info_;
  Answer answer_;
  std::vector<ChoiceState> states_;
  size_t ended_ = 0;  // choices
  bool opened_ = false, warned_ = false;
};

}  // namespace

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<WholeChoices>(std::move(info), std::move(answer));
}

std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, Answer answer) {
  return std::make_unique<StreamedAnswer>(std::move(info), std::move(answer));
}

}  // namespace maru::api::openai
