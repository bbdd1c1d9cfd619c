#include "api/openai/routes.h"

#include <memory>
#include <utility>

#include "api/openai/answer.h"
#include "api/openai/embeddings.h"
#include "api/openai/error.h"
#include "api/openai/json.h"
#include "api/openai/model_card.h"
#include "api/openai/request.h"
#include "api/openai/tokens.h"
#include "base/unix_time.h"
#include "http/json_body.h"
#include "serving/ids.h"

namespace maru::api::openai {
namespace {

/// The handlers.
class OpenAi {
 public:
  OpenAi(const serving::ModelHost& models, serving::ChoiceLimits& limits) : models_(models), limits_(limits) {}

  http::Response list(const Principal& principal) const {
    ModelList list;
    for (const serving::ServedName& name : models_.names())
      if (principal.may_ask(name.id)) list.data.push_back(card_of(name));
    return {.body = http::to_line(to_json(list))};
  }

  http::Response retrieve(const std::string& id, const Principal& principal) const {
    for (const serving::ServedName& name : models_.names())
      if (name.id == id && principal.may_ask(id)) return {.body = http::to_line(to_json(card_of(name)))};
    serving::no_such_model(id);
  }

  http::Reply chat(const http::Request& http, const http::Wake& wake) const {
    const ChatRequest request = parse_chat_request(http.body, ignores_unknown());
    const auto model = models_.get(request.model, http.caller());
    serving::ReceiptOrder order = serving::order_receipt(models_, *model, request.receipt);
    serving::ChatModel chat = model->chat();
    chat.time = order.time;
    PreparedRequest prepared = prepare(request, chat, model->limits());
    AnswerInfo info{.chat = true, .logprobs = request.logprobs, .reasoning = request.include_reasoning};
    if (request.return_prompt_text) info.prompt_text = prepared.texts.front();
    return answer(http, model, request, std::move(prepared), std::move(order), std::move(info), wake);
  }

  http::Reply complete(const http::Request& http, const http::Wake& wake) const {
    const CompletionRequest request = parse_completion_request(http.body, ignores_unknown());
    const auto model = models_.get(request.model, http.caller());
    PreparedRequest prepared = prepare(request, model->tokenizer(), model->limits());
    serving::ReceiptOrder order = serving::order_receipt(models_, *model, request.receipt);
    AnswerInfo info{.logprobs = request.logprobs.has_value()};
    if (request.echo) info.echo_top = request.logprobs.value_or(-1);
    return answer(http, model, request, std::move(prepared), std::move(order), std::move(info), wake);
  }

 private:
  using Model = std::shared_ptr<const serving::ServedModel>;

  bool ignores_unknown() const { return models_.options().api.ignore_unknown_fields; }

  static ModelCard card_of(const serving::ServedName& name) {
    ModelCard card{.id = name.id,
                   .created = name.created,
                   .root = name.parent.empty() ? name.id : name.parent,
                   .max_model_len = name.max_context.value_or(0),
                   .maru = name.facts};
    card.maru.loaded = name.loaded;
    if (!name.parent.empty()) card.parent = name.parent;
    return card;
  }

  http::Reply answer(const http::Request& http, const Model& model, const CommonRequest& request,
                     PreparedRequest prepared, serving::ReceiptOrder order, AnswerInfo info,
                     const http::Wake& wake) const {
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    info.id = ids_.next(info.chat ? "chatcmpl-" : "cmpl-");
    info.model = model->id();
    info.fingerprint = model->fingerprint();
    info.created = unix_seconds();
    info.tokenizer = &model->tokenizer();
    info.echo = std::move(prepared.echo);
    order.id = info.id;
    order.route = http.route->pattern;
    order.echo = info.echo;
    info.warnings = std::move(prepared.warnings);
    info.prompt_top = request.prompt_logprobs.value_or(-1);
    info.token_ids = request.return_token_ids;
    info.tokens_as_ids = request.return_tokens_as_token_ids;
    if (info.token_ids)
      for (const infer::GenerationRequest& prompt : prepared.prompts) info.prompts.push_back(prompt.prompt);
    if (request.stream_options) {
      info.usage_always = request.stream_options->continuous_usage_stats;
      info.usage = request.stream_options->include_usage;
    }
    http::Reply reply{.headers = {{"X-Request-Id", info.id}}};
    http::add_warnings(reply, info.warnings);
    serving::Answer answer(model, std::move(prepared.prompts), limits_, http.caller(), wake,
                           std::move(prepared.reading), std::move(order));
    if (request.stream)
      reply.answer = streamed_answer(std::move(info), std::move(answer));
    else
      reply.answer = whole_answer(std::move(info), std::move(answer));
    return reply;
  }

  const serving::ModelHost& models_;
  serving::ChoiceLimits& limits_;
  mutable serving::Ids ids_;
};

}  // namespace

void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto api = std::make_shared<const OpenAi>(models, limits);
  const auto add = [&](http::Route route) {
    route.scope = "inference";
    route.dialect = &kDialect;
    router.add(std::move(route));
  };
  add({.pattern = "/v1/models",
       .handler = [api](const http::Request& r,
                        const http::Wake&) { return http::Reply{api->list(r.caller().principal)}; },
       .cost = http::Cost::kQuick,
       .doc = "the models that are served"});
  add({.pattern = "/v1/models/{id}",
       .handler = [api](const http::Request& r,
                        const http::Wake&) { return http::Reply{api->retrieve(r.arguments[0], r.caller().principal)}; },
       .cost = http::Cost::kQuick,
       .doc = "one model"});
  add({.method = http::Method::kPost,
       .pattern = "/v1/chat/completions",
       .handler = [api](const http::Request& r, const http::Wake& wake) { return api->chat(r, wake); },
       .doc = "answer a conversation, whole or as server-sent events",
       .body = http::body_schema<ChatRequest>});
  add({.method = http::Method::kPost,
       .pattern = "/v1/completions",
       .handler = [api](const http::Request& r, const http::Wake& wake) { return api->complete(r, wake); },
       .doc = "go on from a text or from tokens",
       .body = http::body_schema<CompletionRequest>});
  add_encoder_routes(router, models, limits);
  add_token_routes(router, models);
}

}  // namespace maru::api::openai
