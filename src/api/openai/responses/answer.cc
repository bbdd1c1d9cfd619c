#include "api/openai/responses/answer.h"

#include <utility>

#include "api/openai/error.h"
#include "api/openai/responses/events.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

using serving::Answer;
using serving::AnswerPiece;

void keep(const ResponseBuilder& builder, ResponseStore& store) {
  if (builder.store()) store.put(builder.stored());
}

class WholeResponse : public http::Pending {
 public:
  WholeResponse(ResponseBuilder builder, Answer answer, ResponseStore& store)
      : builder_(std::move(builder)), answer_(std::move(answer)), store_(store) {}

  bool ready() override {
    for (AnswerPiece piece;;) switch (answer_.next(piece)) {
        case Answer::Next::kPiece: builder_.add(piece, Output::drop); break;
        case Answer::Next::kWait: return false;
        case Answer::Next::kFailed: failed_ = true; return true;
        case Answer::Next::kEnd: return true;
      }
  }

  http::Response response() override {
    if (failed_) return http::to_response(http::to_problem(answer_.error()), kDialect);
    builder_.finish(answer_, Output::drop);
    keep(builder_, store_);
    return {.body = http::to_line(builder_.json())};
  }

 private:
  ResponseBuilder builder_;
  Answer answer_;
  ResponseStore& store_;
  bool failed_ = false;
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
