// An answer that is sent whole: taken piece by piece until it has ended, then put into the words of a dialect.
#pragma once
#include <utility>

#include "base/json_fwd.h"
#include "http/dialect.h"
#include "http/http.h"
#include "serving/answer.h"

namespace maru::api {

/// A dialect says what it keeps of each piece, and what it makes of them. An answer that fails is an error in its form.
class WholeAnswer : public http::Pending {
 public:
  /// `dialect` must outlive it.
  WholeAnswer(serving::Answer answer, const http::Dialect& dialect) : answer_(std::move(answer)), dialect_(dialect) {}
  bool ready() final;
  http::Response response() final;

 protected:
  virtual void add(serving::AnswerPiece& piece) = 0;
  /// Called once, when all pieces have come.
  virtual Json body() = 0;
  const serving::Answer& answer() const { return answer_; }

 private:
  serving::Answer answer_;
  const http::Dialect& dialect_;
  bool failed_ = false;
};

}  // namespace maru::api
