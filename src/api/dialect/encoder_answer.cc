#include "api/dialect/encoder_answer.h"

#include <string>
#include <utility>

#include "base/json.h"
#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api {
namespace {

using Render = std::function<Json(const Vectors&, int64_t)>;

class EncoderAnswer : public http::Pending {
 public:
  EncoderAnswer(std::shared_ptr<const serving::ServedEncoder> model, std::unique_ptr<infer::Encoding> encoding,
                const http::Dialect& dialect, int64_t tokens, Render render)
      : model_(std::move(model)),
        encoding_(std::move(encoding)),
        dialect_(dialect),
        tokens_(tokens),
        render_(std::move(render)) {}
  bool ready() override { return encoding_->ready(); }
  http::Response response() override {
    try {
      return {.body = http::to_line(render_(encoding_->take(), tokens_))};
    } catch (const Failure& failure) {
      return http::to_response(http::to_problem(failure.error()), dialect_);
    }
  }

 private:
  std::shared_ptr<const serving::ServedEncoder> model_;  // whose engine the encoding is of
  std::unique_ptr<infer::Encoding> encoding_;
  const http::Dialect& dialect_;
  const int64_t tokens_;
  Render render_;
};

}  // namespace

infer::EncoderInput read_text(const serving::ServedEncoder& model, const JsonNode& text, std::string_view prefix,
                              infer::Truncation truncation) {
  if (text.string().empty()) text.fail("a text that is not empty");
  try {
    return model.input_of(std::string(prefix) + text.string(), truncation);
  } catch (const RequestFailure&) {
    throw;
  } catch (const Failure& failure) {
    text.refuse(failure.error().message);
  }
}

std::unique_ptr<http::Pending> encoder_answer(EncoderWork work, const http::Request& http,
                                              serving::ChoiceLimits& limits, const http::Wake& wake, Render render) {
  int64_t tokens = 0;
  for (const infer::EncoderInput& input : work.inputs) tokens += std::ssize(input.tokens);
  if (http.record != nullptr)
    http.record->note(
        [&](RequestRecord::Notes& notes) { notes.model = work.model->id(), notes.prompt_tokens = tokens; });
  limits.charge(http.caller(), work.model->id(), tokens);
  auto encoding = work.model->engine().submit(std::move(work.inputs), work.task, wake);
  return std::make_unique<EncoderAnswer>(std::move(work.model), std::move(encoding), work.dialect, tokens,
                                         std::move(render));
}

}  // namespace maru::api
