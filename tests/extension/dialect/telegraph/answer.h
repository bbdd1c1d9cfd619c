// Answers by telegraph, whole or as a ticker of named events.
#pragma once
#include <memory>

#include "http/http.h"
#include "serving/answer.h"

namespace maru::api::telegraph {

std::unique_ptr<http::Pending> whole_answer(serving::Answer answer);
/// Events "signal" with text, then "over" with why, or "fault".
std::unique_ptr<http::EventStream> streamed_answer(serving::Answer answer);

}  // namespace maru::api::telegraph
