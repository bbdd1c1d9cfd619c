#include "api/anthropic/routes.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <utility>

#include "api/anthropic/answer.h"
#include "api/anthropic/error.h"
#include "api/anthropic/request.h"
#include "base/excerpt.h"
#include "base/random.h"

namespace maru::api::anthropic {
namespace {

std::shared_ptr<const serving::ServedModel> find(const serving::ModelHost& models, const std::string& id) {
  auto model = models.find(id);
  if (model == nullptr)
    throw RequestFailure(ErrorCode::kNotFound, "model: \"" + excerpt(id) + "\" is not served here; see /v1/models",
                         "model", "model_not_found");
  return model;
}

/// Ids that do not repeat, in this process or another.
class Ids {
 public:
  std::string next() { return fmt::format("msg_{:016x}", mix64(salt_ + ++count_)); }

 private:
  const uint64_t salt_ = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::atomic<uint64_t> count_{0};
};

}  // namespace

void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto ids = std::make_shared<Ids>();
  const auto answer = [ids, &models, &limits](const http::Request& http, const http::Wake& wake) {
    const MessagesRequest request = parse_messages_request(http.body);
    const auto model = find(models, request.model);
    PreparedRequest prepared = prepare(request, model->tokenizer(), model->chat_template(), model->limits());
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    const std::string id = ids->next();
    http::Reply reply{.headers = {{"request-id", id}}};
    if (!prepared.warnings.empty()) reply.headers.emplace_back("X-Maru-Warning", prepared.warnings.front());
    std::vector<infer::GenerationRequest> prompts;
    prompts.push_back(std::move(prepared.generation));
    serving::Answer answer(model, std::move(prompts), limits, http.clients(), wake);
    if (request.stream)
      reply.answer = streamed_answer(id, std::move(answer));
    else
      reply.answer = whole_answer(id, std::move(answer));
    return reply;
  };
  router.add({.method = http::Method::kPost,
              .pattern = "/v1/messages",
              .handler = answer,
              .scope = "inference",
              .dialect = &kDialect,
              .doc = "answer a conversation in Anthropic's words, whole or as server-sent events"});
}

}  // namespace maru::api::anthropic
