// What a model says, as the items of a response: built as it comes, and told to whoever listens, event by event.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "api/openai/answer.h"
#include "api/openai/responses/items.h"
#include "base/json.h"
#include "serving/answer.h"

namespace maru::api::openai {

/// Of one choice.
class Output {
 public:
  /// Told of an event: its type and its data, without the number that events have.
  using Send = std::function<void(const char* type, Json data)>;
  /// To nobody.
  static void drop(const char*, const Json&) {}
  /// `tokens`: how log-probabilities are written; they are where it wants them.
  Output(AnswerInfo tokens, NewId new_id) : tokens_(std::move(tokens)), new_id_(std::move(new_id)) {}
  void add(serving::AnswerPiece& piece, const Send& send);
  /// Ends the last item; a response without one gets an empty message.
  void finish(bool complete, const Send& send);

  const Json& items() const { return items_; }
  int64_t num_tokens() const { return num_tokens_; }
  /// Of pieces that were reasoning and nothing else.
  int64_t reasoning_tokens() const { return reasoning_tokens_; }
  /// What the last piece said; CHECKs that there was one.
  infer::FinishReason finish_reason() const;

 private:
  using Kind = text::AnswerEvent::Kind;
  void add(const text::AnswerEvent& event, const Send& send);
  void open(Json item, const Send& send);
  void open_part(Json part, const Send& send);
  void say(Kind kind, const std::string& text, const Send& send);
  void close(bool complete, const Send& send);
  void close_part(const Send& send);
  /// Where an event belongs, with more data.
  Json at(Json more, bool in_part) const;
  Json& item() { return items_.back(); }

  const AnswerInfo tokens_;
  const NewId new_id_;
  Json items_ = Json::array();
  bool open_ = false;
  Kind kind_ = Kind::kText;        // of the open item
  Json logprobs_ = Json::array();  // of the next text
  int64_t num_tokens_ = 0, reasoning_tokens_ = 0;
  std::optional<infer::FinishReason> finish_;
};

}  // namespace maru::api::openai
