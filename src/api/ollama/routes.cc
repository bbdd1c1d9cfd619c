#include "api/ollama/routes.h"

#include <utility>

#include "api/ollama/answer.h"
#include "api/ollama/embed.h"
#include "api/ollama/error.h"
#include "api/ollama/models.h"
#include "api/ollama/names.h"
#include "api/ollama/request.h"
#include "http/json_body.h"
#include "ledger/code_version.h"
#include "serving/ids.h"

namespace maru::api::ollama {
namespace {

/// Of the API that these words are of: clients ask it before they use what came with a version.
constexpr const char* kApiVersion = "0.12.11";

struct OllamaShowRequest {
  std::string model, name;
  bool verbose = false;
  static constexpr auto fields() {
    using C = OllamaShowRequest;
    return std::tuple{field("model", &C::model, "a model that /api/tags lists"),
                      field("name", &C::name, "the same, as it was called before"),
                      field("verbose", &C::verbose, "accepted: there is no more to say")};
  }
};

/// The handlers.
class Ollama {
 public:
  Ollama(const serving::ModelHost& models, serving::ChoiceLimits& limits) : models_(models), limits_(limits) {}

  http::Response list(const http::Request& http, bool running) const {
    return {.body = http::to_line(list_models(models_, http.caller().principal, running))};
  }

  http::Response show(const http::Request& http) const {
    const auto request = http::read_fields<OllamaShowRequest>(http::read_object(http.body));
    const std::string& name = request.model.empty() ? request.name : request.model;
    return {.body = http::to_line(show_model(models_, name, http.caller()))};
  }

  http::Reply chat(const http::Request& http, const http::Wake& wake) const {
    return ask(parse_chat_request(http.body), true, http, wake);
  }

  http::Reply generate(const http::Request& http, const http::Wake& wake) const {
    return ask(parse_generate_request(http.body), false, http, wake);
  }

 private:
  template <class T>
  http::Reply ask(const T& request, bool chat, const http::Request& http, const http::Wake& wake) const {
    const Caller caller = http.caller();
    const auto begin = AnswerInfo::Clock::now();
    const auto model = models_.get(id_of(request.model, models_, caller.principal), caller);
    if (only_loads(request)) return {loaded(request, chat)};
    serving::ReceiptOrder order = serving::order_receipt(models_, *model, request.receipt);
    serving::ChatModel words = model->chat();
    words.time = order.time;
    PreparedRequest prepared = prepare(request, words, model->limits());
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    order.id = ids_.next("ollama-");
    order.route = http.route->pattern;
    http::Reply reply{.headers = {{"X-Request-Id", order.id}}};
    http::add_warnings(reply, prepared.warnings);
    AnswerInfo info{.chat = chat,
                    .model = request.model,
                    .thinking = request.think != false,
                    .logprobs = request.logprobs,
                    .keeps_context = prepared.keeps_context,
                    .context = prepared.keeps_context ? prepared.generation.prompt : std::vector<int32_t>(),
                    .closing = std::move(prepared.closing),
                    .begin = begin};
    std::vector<infer::GenerationRequest> prompts;
    prompts.push_back(std::move(prepared.generation));
    serving::Answer answer(model, std::move(prompts), limits_, http.caller(), wake, std::move(prepared.reading),
                           std::move(order));
    if (request.stream)
      reply.answer = streamed_answer(std::move(info), std::move(answer));
    else
      reply.answer = whole_answer(std::move(info), std::move(answer));
    return reply;
  }

  /// Who asks for nothing wants the model in memory, or out of it; here it is.
  static http::Response loaded(const AskRequest& request, bool chat) {
    const Json& stay = request.keep_alive;
    if (stay == 0 || stay == "0" || stay == "0s")
      refuse("keep_alive: models stay in memory; who runs this server says which", "keep_alive",
             "unsupported_parameter");
    http::Response response{.body = http::to_line(loaded_line(chat, request.model))};
    if (request.stream) response.content_type = "application/x-ndjson", response.body += "\n";
    return response;
  }

  const serving::ModelHost& models_;
  serving::ChoiceLimits& limits_;
  mutable serving::Ids ids_;
};

http::Reply refuse_managing(const http::Request&, const http::Wake&) {
  throw Failure(ErrorCode::kUnimplemented,
                "this server fetches, sends and changes no models: nothing leaves or enters the building by its API; "
                "use `maru models` and `maru import` where it runs");
}

}  // namespace

void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto api = std::make_shared<const Ollama>(models, limits);
  const auto add = [&](http::Route route) {
    route.scope = "inference";
    route.dialect = &kDialect;
    router.add(std::move(route));
  };
  const auto get = [&](const char* pattern, auto answer, const char* doc) {
    add({.pattern = pattern,
         .handler = [api, answer](const http::Request& r, const http::Wake&) { return http::Reply{answer(*api, r)}; },
         .cost = http::Cost::kQuick,
         .doc = doc});
  };
  get(
      "/api/tags", [](const Ollama& o, const http::Request& r) { return o.list(r, false); },
      "the models that are served, in Ollama's words");
  get(
      "/api/ps", [](const Ollama& o, const http::Request& r) { return o.list(r, true); },
      "the same: all of them are in memory");
  get(
      "/api/version",
      [](const Ollama&, const http::Request&) {
        return http::Response{.body = http::to_line({{"version", kApiVersion}, {"maru", ledger::code_version()}})};
      },
      "the version of Ollama whose words these are");
  const auto post = [&](const char* pattern, auto answer, const char* doc, Json (*body)(Schemas&)) {
    add({.method = http::Method::kPost,
         .pattern = pattern,
         .handler = [api, answer](const http::Request& r, const http::Wake& wake) { return answer(*api, r, wake); },
         .doc = doc,
         .body = body});
  };
  post(
      "/api/show", [](const Ollama& o, const http::Request& r, const http::Wake&) { return http::Reply{o.show(r)}; },
      "one model, in Ollama's words", http::body_schema<OllamaShowRequest>);
  post(
      "/api/chat", [](const Ollama& o, const http::Request& r, const http::Wake& w) { return o.chat(r, w); },
      "answer a conversation in Ollama's words, as lines of JSON or whole", http::body_schema<OllamaChatRequest>);
  post(
      "/api/generate", [](const Ollama& o, const http::Request& r, const http::Wake& w) { return o.generate(r, w); },
      "answer a prompt in Ollama's words, as lines of JSON or whole", http::body_schema<OllamaGenerateRequest>);
  for (const char* pattern : {"/api/pull", "/api/push", "/api/create", "/api/copy"})
    add({.method = http::Method::kPost,
         .pattern = pattern,
         .handler = refuse_managing,
         .doc = "refused with 501",
         .body = http::body_schema<OllamaShowRequest>});
  add({.method = http::Method::kDelete,
       .pattern = "/api/delete",
       .handler = refuse_managing,
       .doc = "refused with 501"});
  add_embed_routes(router, models, limits);
}

}  // namespace maru::api::ollama
