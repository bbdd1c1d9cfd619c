#include "telegraph/routes.h"

#include <utility>

#include "telegraph/answer.h"
#include "telegraph/error.h"
#include "telegraph/request.h"

namespace maru::api::telegraph {

void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto answer = [&models, &limits](const http::Request& http, const http::Wake& wake) {
    const Telegram telegram = parse_telegram(http.body);
    const auto model = models.get(telegram.station, http.caller());
    PreparedTelegram prepared = prepare(telegram, *model);
    http::Reply reply;
    http::add_warnings(reply, prepared.warnings);
    serving::Answer answer(model, {std::move(prepared.generation)}, limits, http.caller(), wake);
    if (telegram.ticker)
      reply.answer = streamed_answer(std::move(answer));
    else
      reply.answer = whole_answer(std::move(answer));
    return reply;
  };
  router.add({.method = http::Method::kPost,
              .pattern = "/telegraph",
              .handler = answer,
              .scope = "inference",
              .dialect = &kDialect,
              .doc = "answer a telegram, whole or as a ticker"});
}

}  // namespace maru::api::telegraph
