#include "api/dialect/whole_answer.h"

#include "base/json.h"
#include "http/json_body.h"

namespace maru::api {

bool WholeAnswer::ready() {
  using Next = serving::Answer::Next;
  for (serving::AnswerPiece piece;;) switch (answer_.next(piece)) {
      case Next::kPiece: add(piece); break;
      case Next::kWait: return false;
      case Next::kFailed: failed_ = true; return true;
      case Next::kEnd: return true;
    }
}

http::Response WholeAnswer::response() {
  if (failed_) return http::to_response(http::to_problem(answer_.error()), dialect_);
  return {.body = http::to_line(body())};
}

}  // namespace maru::api
