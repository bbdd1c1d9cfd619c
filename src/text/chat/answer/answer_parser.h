// An answer taken apart as it comes: text, reasoning, calls of tools. Where it is cut into pieces changes nothing of
// what comes out. What cannot be read as a call is text, with its marks; nothing but white space around reasoning and
// calls is lost.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat/answer/answer_event.h"
#include "text/chat/answer/answer_form.h"
#include "text/chat/answer/answer_marks.h"
#include "text/chat/answer/call_reader.h"
#include "text/chat/answer/tool_set.h"

namespace maru::text {

/// How an answer is to be read.
struct AnswerReading {
  AnswerForms forms;                     // without `calls` none are looked for
  bool in_reasoning = false;             // the prompt began it
  bool one_call = false;                 // the answer ends with its first call
  std::shared_ptr<const ToolSet> tools;  // that the model was shown; needed where forms.calls is set
  std::string tools_sha256;              // of their JSON, for a receipt; empty: none is wanted, or there are none
};

/// One answer. Not thread-safe.
class AnswerParser : private CallSink {
 public:
  /// `make_id` names each call.
  AnswerParser(AnswerReading reading, std::function<std::string()> make_id);
  /// Appends what is now sure. Pieces should be whole characters: those that come out are cut where those are.
  void push(std::string_view piece, std::vector<AnswerEvent>& to);
  /// The answer ends: everything that was held back. A call that is cut off keeps what it has of arguments.
  void finish(std::vector<AnswerEvent>& to);
  size_t num_calls() const { return num_calls_; }
  /// With `one_call`: that one is complete, and what comes behind it is dropped.
  bool ended() const { return state_ == State::kClosed; }

 private:
  enum class State : uint8_t { kOpening, kBegin, kProse, kCallOpen, kCall, kBetween, kBroken, kClosed };

  bool begin(const std::string& name) override;
  void arguments(std::string_view text) override;

  bool step();
  bool opening();
  bool begin_text();
  bool prose();
  bool call_open();
  bool call();
  bool between();
  bool broken();
  bool begin_object(char first);
  void open_call(size_t size);
  void fall_back();
  void end_call();
  void say(std::string_view text);

  const AnswerReading reading_;
  const AnswerMarks marks_;
  const std::function<std::string()> make_id_;
  std::vector<AnswerEvent>* out_ = nullptr;  // while something is pushed
  State state_ = State::kBegin;
  bool last_ = false;  // nothing comes any more
  std::string pending_;
  AnswerEvent::Kind prose_ = AnswerEvent::Kind::kText;
  bool left_open_ = false;  // a call came in the middle of reasoning
  bool trim_ = false;       // line ends at the beginning of what comes are not of it

  // The call that is read.
  std::unique_ptr<CallReader> reader_;
  std::string raw_;       // everything of it, until it is one
  size_t mark_size_ = 0;  // in raw_: white space before the mark, and the mark
  bool in_list_ = false;
  bool given_ = false;  // it is one
  bool bare_ = false;   // it has no mark
  size_t num_calls_ = 0;
};

}  // namespace maru::text
