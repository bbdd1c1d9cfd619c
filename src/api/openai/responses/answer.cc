#include "api/openai/responses/answer.h"

#include <utility>

#include "api/dialect/whole_answer.h"
#include "api/openai/error.h"
#include "api/openai/responses/events.h"
#include "base/json.h"

namespace maru::api::openai {
namespace {

using serving::Answer;
using serving::AnswerPiece;

void keep(const ResponseBuilder& builder, ResponseStore& store) {
  if (builder.store()) store.put(builder.stored());
}

class WholeResponse : public WholeAnswer {
 public:
  WholeResponse(ResponseBuilder builder, Answer answer, ResponseStore& store)
      : WholeAnswer(std::move(answer), kDialect), builder_(std::move(builder)), store_(store) {}

 private:
  void add(AnswerPiece& piece) override { builder_.add(piece, Output::drop); }

  Json body() override {
    builder_.finish(answer(), Output::drop);
    keep(builder_, store_);
    return builder_.json();
  }

  ResponseBuilder builder_;
  ResponseStore& store_;
};

class StreamedResponse : public http::EventStream {
 public:
  StreamedResponse(ResponseBuilder builder, Answer answer, ResponseStore& store)
      : builder_(std::move(builder)), answer_(std::move(answer)), store_(store) {}

  bool take(std::string& to) override {
    const Output::Send send = [&](const char* type, const Json& data) {
      append_numbered(to, type, sequence_number_++, data);
    };
    if (!std::exchange(opened_, true)) {
      send("response.created", {{"response", builder_.json()}});
      send("response.in_progress", {{"response", builder_.json()}});
    }
    for (AnswerPiece piece; to.size() < kTakeBytes;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece: builder_.add(piece, send); break;
        case Answer::Next::kWait: return true;
        case Answer::Next::kFailed: builder_.fail(answer_.error()); return close(send);
        case Answer::Next::kEnd: builder_.finish(answer_, send); return close(send);
      }
    return true;
  }

 private:
  /// False, as take() says that it was the last.
  bool close(const Output::Send& send) {
    keep(builder_, store_);
    send(("response." + builder_.status()).c_str(), {{"response", builder_.json()}});
    return false;
  }

  ResponseBuilder builder_;
  Answer answer_;
  ResponseStore& store_;
  int64_t sequence_number_ = 0;
  bool opened_ = false;
};

}  // namespace

std::unique_ptr<http::Pending> whole_response(ResponseBuilder builder, Answer answer, ResponseStore& store) {
  return std::make_unique<WholeResponse>(std::move(builder), std::move(answer), store);
}

std::unique_ptr<http::EventStream> streamed_response(ResponseBuilder builder, Answer answer, ResponseStore& store) {
  return std::make_unique<StreamedResponse>(std::move(builder), std::move(answer), store);
}

}  // namespace maru::api::openai
