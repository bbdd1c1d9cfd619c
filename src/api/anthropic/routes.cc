#include "api/anthropic/routes.h"

#include <memory>
#include <utility>

#include "api/anthropic/answer.h"
#include "api/anthropic/error.h"
#include "api/anthropic/request.h"
#include "http/json_body.h"
#include "serving/ids.h"

namespace maru::api::anthropic {
namespace {

bool wants_thinking(const MessagesRequest& request) {
  return request.thinking.is_object() && request.thinking["type"] != "disabled";
}

http::Reply count_tokens(const http::Request& http, const serving::ModelHost& models) {
  const PromptRequest request = parse_prompt_request(http.body, models.options().api.ignore_unknown_fields);
  const auto model = models.get(request.model, http.caller());
  const serving::ChatPrompt prompt = serving::chat_prompt(read_conversation(request), model->chat());
  http::Reply reply{http::Response{.body = http::to_line({{"input_tokens", prompt.tokens.size()}})}};
  http::add_warnings(reply, prompt.warnings);
  return reply;
}

}  // namespace

void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto ids = std::make_shared<serving::Ids>();
  const auto answer = [ids, &models, &limits](const http::Request& http, const http::Wake& wake) {
    const MessagesRequest request = parse_messages_request(http.body, models.options().api.ignore_unknown_fields);
    const auto model = models.get(request.model, http.caller());
    serving::ReceiptOrder order = serving::order_receipt(models, *model, request.receipt);
    serving::ChatModel chat = model->chat();
    chat.time = order.time;
    PreparedRequest prepared = prepare(request, chat, model->limits());
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    const std::string id = ids->next("msg_");
    order.id = id;
    order.route = http.route->pattern;
    http::Reply reply{.headers = {{"request-id", id}}};
    http::add_warnings(reply, prepared.warnings);
    std::vector<infer::GenerationRequest> prompts;
    prompts.push_back(std::move(prepared.generation));
    serving::Answer answer(model, std::move(prompts), limits, http.caller(), wake, std::move(prepared.reading),
                           std::move(order));
    AnswerInfo info{.id = id, .thinking = wants_thinking(request)};
    if (request.stream)
      reply.answer = streamed_answer(std::move(info), std::move(answer));
    else
      reply.answer = whole_answer(std::move(info), std::move(answer));
    return reply;
  };
  router.add({.method = http::Method::kPost,
              .pattern = "/v1/messages",
              .handler = answer,
              .scope = "inference",
              .dialect = &kDialect,
              .doc = "answer a conversation in Anthropic's words, whole or as server-sent events",
              .body = http::body_schema<MessagesRequest>});
  router.add({.method = http::Method::kPost,
              .pattern = "/v1/messages/count_tokens",
              .handler = [&models](const http::Request& http, const http::Wake&) { return count_tokens(http, models); },
              .scope = "inference",
              .dialect = &kDialect,
              .doc = "how many tokens the prompt of a conversation has",
              .body = http::body_schema<PromptRequest>});
}

}  // namespace maru::api::anthropic
