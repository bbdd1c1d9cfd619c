// What a model said, as the content blocks of a message: whole, or as the events of a stream.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/chat/answer/answer_event.h"

namespace maru::api::anthropic {

/// Blocks of all events in turn: "text", "thinking" if it is wanted, "tool_use". At least one. Arguments that are no
/// object, because the model was cut off or got them wrong, are {"INVALID_JSON": text}.
Json whole_blocks(const std::vector<text::AnswerEvent>& events, bool thinking);

/// The blocks of a stream, one after the other.
class BlockStream {
 public:
  /// Sends an event of this type with this data.
  using Send = std::function<void(const char* type, const Json& data)>;
  explicit BlockStream(bool thinking) : thinking_(thinking) {}
  void add(const text::AnswerEvent& event, const Send& send);
  /// Ends the last block; a stream without one gets an empty text.
  void finish(const Send& send);

 private:
  using Kind = text::AnswerEvent::Kind;
  void open(Kind kind, Json block, const Send& send);
  void close(const Send& send);
  void delta(Json delta, const Send& send) const;

  const bool thinking_;
  int64_t index_ = 0;
  bool is_open_ = false;
  Kind open_ = Kind::kText;
};

}  // namespace maru::api::anthropic
