// Answers in the words of the Messages API, whole or as named server-sent events.
#pragma once
#include <memory>
#include <string>

#include "http/http.h"
#include "serving/answer.h"

namespace maru::api::anthropic {

struct AnswerInfo {
  std::string id;
  bool thinking = false;  // what the model thought is shown
};

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, serving::Answer answer);
std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, serving::Answer answer);

/// "end_turn", "stop_sequence", "tool_use" or "max_tokens". CHECKs that the piece is a last one.
std::string_view stop_reason_of(const serving::AnswerPiece& last);

}  // namespace maru::api::anthropic
