// Answers in the words of the Messages API, whole or as named server-sent events.
#pragma once
#include <memory>
#include <string>

#include "http/http.h"
#include "serving/answer.h"

namespace maru::api::anthropic {

std::unique_ptr<http::Pending> whole_answer(std::string id, serving::Answer answer);
std::unique_ptr<http::EventStream> streamed_answer(std::string id, serving::Answer answer);

/// "end_turn", "stop_sequence" or "max_tokens". CHECKs that the piece is a last one.
std::string_view stop_reason_of(const infer::Piece& last);

}  // namespace maru::api::anthropic
