// Answers in Ollama's words: one object, or a line of JSON for each piece.
#pragma once
#include <memory>

#include "api/ollama/lines.h"
#include "http/http.h"
#include "serving/answer.h"

namespace maru::api::ollama {

std::unique_ptr<http::Pending> whole_answer(AnswerInfo info, serving::Answer answer);
std::unique_ptr<http::EventStream> streamed_answer(AnswerInfo info, serving::Answer answer);

}  // namespace maru::api::ollama
