#include "text/chat/answer/answer_parser.h"

#include <algorithm>
#include <utility>

#include "text/chat/answer/call_object.h"
#include "text/chat/answer/call_tags.h"
#include "text/chat/answer/named_call.h"

namespace maru::text {
namespace {

constexpr std::string_view kBlanks = " \n\r\t", kLineEnds = "\r\n";

}  // namespace

AnswerParser::AnswerParser(AnswerReading reading, std::function<std::string()> make_id)
    : reading_(std::move(reading)), marks_(reading_.forms), make_id_(std::move(make_id)) {
  if (reading_.forms.reasoning != nullptr) state_ = State::kOpening;
}

void AnswerParser::push(std::string_view piece, std::vector<AnswerEvent>& to) {
  out_ = &to;
  pending_ += piece;
  while (step()) {
  }
}

void AnswerParser::finish(std::vector<AnswerEvent>& to) {
  out_ = &to;
  last_ = true;
  while (step()) {
  }
  if (state_ != State::kCall && state_ != State::kCallOpen && state_ != State::kBroken) return;
  if (!given_) return say(raw_ + pending_);
  if (state_ == State::kCall) reader_->cut();
  end_call();
}

/// One decision; false when it takes more text than there is.
bool AnswerParser::step() {
  switch (state_) {
    case State::kOpening: return opening();
    case State::kBegin: return begin_text();
    case State::kProse: return prose();
    case State::kCallOpen: return call_open();
    case State::kCall: return call();
    case State::kBetween: return between();
    case State::kBroken: return broken();
    case State::kClosed: break;
  }
  pending_.clear();
  return false;
}

// --- text and reasoning ----------------------------------------------------------------------------------------------

/// The beginning of an answer that may be reasoning.
bool AnswerParser::opening() {
  const std::string_view mark = reading_.forms.reasoning->begin;
  const std::string_view text = pending_;
  const size_t blanks = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::string_view rest = text.substr(blanks);
  if (rest.size() < mark.size() && mark.starts_with(rest) && !last_) return false;
  const bool marked = rest.starts_with(mark);
  if (marked) pending_.erase(0, blanks + mark.size());
  const bool reasons = marked || reading_.in_reasoning;
  prose_ = reasons ? AnswerEvent::Kind::kReasoning : AnswerEvent::Kind::kText;
  state_ = reasons ? State::kProse : State::kBegin;
  trim_ = true;
  return true;
}

/// The beginning of the text, which may be a call without a mark.
bool AnswerParser::begin_text() {
  const size_t blanks = pending_.find_first_not_of(kBlanks);
  const bool bare = reading_.forms.calls != nullptr && reading_.forms.calls->bare;
  if (bare && blanks == std::string::npos && !last_) return false;
  const bool object = bare && blanks != std::string::npos && (pending_[blanks] == '{' || pending_[blanks] == '[');
  state_ = State::kProse;
  bare_ = object;
  if (object) open_call(blanks);
  return true;
}

bool AnswerParser::prose() {
  if (trim_) {
    pending_.erase(0, std::min(pending_.find_first_not_of(kLineEnds), pending_.size()));
    if (pending_.empty()) return false;
    trim_ = false;
  }
  if (last_ && num_calls_ > 0 && pending_.find_first_not_of(kBlanks) == std::string::npos) pending_.clear();
  const Prose in = prose_ == AnswerEvent::Kind::kReasoning ? Prose::kReasoning
                   : left_open_                            ? Prose::kLeftOpen
                                                           : Prose::kText;
  const AnswerMark mark = marks_.find(pending_, in);
  // A longer mark may begin before the one that is found, or with it.
  const size_t open = last_ ? 0 : marks_.undecided(pending_, in);
  if (mark.kind == AnswerMark::Kind::kNone || (open > 0 && pending_.size() - open <= mark.at)) {
    const size_t sure = pending_.size() - open;
    say(std::string_view(pending_).substr(0, sure));
    pending_.erase(0, sure);
    return false;
  }
  const size_t blank = end_without_blanks(pending_, mark.at);
  if (mark.kind == AnswerMark::Kind::kDropped) {
    say(std::string_view(pending_).substr(0, mark.at));
    pending_.erase(0, mark.at + mark.size);
    return true;
  }
  say(std::string_view(pending_).substr(0, blank));
  pending_.erase(0, blank);
  if (mark.kind == AnswerMark::Kind::kCall) {
    bare_ = false;
    open_call(mark.at - blank + mark.size);
    return true;
  }
  pending_.erase(0, mark.at - blank + mark.size);
  prose_ = AnswerEvent::Kind::kText;
  trim_ = true;
  state_ = State::kBegin;
  return true;
}

void AnswerParser::say(std::string_view text) {
  if (text.empty()) return;
  if (!out_->empty() && out_->back().kind == prose_)
    out_->back().text += text;
  else
    out_->push_back({.kind = prose_, .text = std::string(text)});
}

// --- calls -----------------------------------------------------------------------------------------------------------

/// What is pending begins with a mark of this size.
void AnswerParser::open_call(size_t size) {
  raw_ = pending_.substr(0, size);
  pending_.erase(0, size);
  mark_size_ = size;
  in_list_ = given_ = false;
  state_ = State::kCallOpen;
}

/// Behind a mark: what is called follows, in a list or not.
bool AnswerParser::call_open() {
  const size_t blanks = pending_.find_first_not_of(kBlanks);
  if (blanks == std::string::npos) return false;
  const char first = pending_[blanks];
  const bool list = first == '[' && !in_list_ && reading_.forms.calls->syntax != CallSyntax::kTags;
  const size_t taken = list ? blanks + 1 : blanks;
  raw_ += pending_.substr(0, taken);
  pending_.erase(0, taken);
  if (list) return in_list_ = true;
  if (begin_object(first))
    state_ = State::kCall;
  else
    fall_back();
  return true;
}

bool AnswerParser::begin_object(char first) {
  reader_.reset();
  CallSink& sink = *this;
  const CallSyntax syntax = reading_.forms.calls->syntax;
  if (syntax == CallSyntax::kTags)
    reader_ = std::make_unique<CallTags>(sink, *reading_.tools);
  else if (first == '{')
    reader_ = std::make_unique<CallObject>(sink, bare_);
  else if (syntax == CallSyntax::kNamed && !in_list_)
    reader_ = std::make_unique<NamedCall>(sink);
  return reader_ != nullptr;
}

bool AnswerParser::call() {
  size_t taken = 0;
  CallReader::Step step = CallReader::Step::kMore;
  while (taken < pending_.size() && step == CallReader::Step::kMore) step = reader_->feed(pending_[taken++]);
  if (step == CallReader::Step::kDoneBefore || (step == CallReader::Step::kFailed && given_)) --taken;
  if (!given_) raw_ += pending_.substr(0, taken);
  pending_.erase(0, taken);
  switch (step) {
    case CallReader::Step::kMore: return false;
    case CallReader::Step::kFailed:
      if (!given_) return fall_back(), true;
      reader_->cut();  // and the byte that cannot stand there is given out with what follows
      state_ = State::kBroken;
      return true;
    default: end_call(); return true;
  }
}

/// It was none: its first byte is text, and the rest is looked at again.
void AnswerParser::fall_back() {
  const size_t said = std::max<size_t>(mark_size_, 1);
  say(std::string_view(raw_).substr(0, said));
  pending_.insert(0, raw_.substr(std::min(said, raw_.size())));
  raw_.clear();
  state_ = State::kProse;
}

bool AnswerParser::begin(const std::string& name) {
  // Without a mark, or in the middle of thinking, only what names a tool is a call.
  const bool sure = !bare_ && prose_ == AnswerEvent::Kind::kText;
  if (!sure && !reading_.tools->contains(name)) return false;
  left_open_ |= prose_ == AnswerEvent::Kind::kReasoning;
  prose_ = AnswerEvent::Kind::kText;
  out_->push_back({.kind = AnswerEvent::Kind::kCallBegin, .text = name, .call = num_calls_++, .id = make_id_()});
  given_ = true;
  raw_.clear();
  return true;
}

void AnswerParser::arguments(std::string_view text) {
  if (text.empty()) return;
  if (out_->empty() || out_->back().kind != AnswerEvent::Kind::kArguments)
    out_->push_back({.kind = AnswerEvent::Kind::kArguments, .call = num_calls_ - 1});
  out_->back().text += text;
}

void AnswerParser::end_call() {
  out_->push_back({.kind = AnswerEvent::Kind::kCallEnd, .call = num_calls_ - 1});
  reader_.reset();
  state_ = reading_.one_call ? State::kClosed : State::kBetween;
}

/// Behind a call: its end, a further one, or text.
bool AnswerParser::between() {
  const std::string_view separators = ",; \n\r\t";
  const size_t blanks = std::min(pending_.find_first_not_of(kBlanks), pending_.size());
  const std::string_view rest = std::string_view(pending_).substr(blanks);
  for (const std::string_view end : reading_.forms.calls->ends) {
    if (rest.starts_with(end))
      return pending_.erase(0, blanks + end.size()), trim_ = true, state_ = State::kProse, true;
    if (!end.starts_with(rest)) continue;
    if (!last_) return false;
    if (!rest.empty()) return pending_.clear(), false;  // the answer was cut in the middle of it
  }
  if (in_list_ && rest.starts_with(']')) return pending_.erase(0, blanks + 1), in_list_ = false, true;
  const size_t next = rest.find_first_not_of(separators);
  if (next == std::string_view::npos && !last_) return false;
  const bool object = next != std::string_view::npos && rest[next] == '{';
  if (object && reading_.forms.calls->syntax != CallSyntax::kTags) {
    const bool list = in_list_;
    open_call(blanks + next);
    in_list_ = list;
    return true;
  }
  trim_ = true;
  state_ = State::kProse;
  return true;
}

/// A call that has begun and cannot be read on: what the model wrote are its arguments, up to where it says it ends.
bool AnswerParser::broken() {
  size_t at = std::string::npos, open = 0;
  for (const std::string_view end : reading_.forms.calls->ends) {
    at = std::min(at, pending_.find(end));
    open = std::max(open, open_end(pending_, end));
  }
  const size_t sure = at != std::string::npos ? at : pending_.size() - (last_ ? 0 : open);
  arguments(std::string_view(pending_).substr(0, sure));
  pending_.erase(0, sure);
  if (at == std::string::npos) return false;
  end_call();
  return true;
}

}  // namespace maru::text
