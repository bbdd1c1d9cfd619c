#include "api/openai/responses/routes.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "api/openai/error.h"
#include "api/openai/responses/answer.h"
#include "api/openai/responses/background.h"
#include "api/openai/responses/client_events.h"
#include "base/excerpt.h"
#include "base/request_failure.h"
#include "base/unix_time.h"
#include "http/json_body.h"
#include "serving/ids.h"

namespace maru::api::openai {
namespace {

constexpr int64_t kMostListed = 100, kListed = 20;

/// The body of a cancellation: clients send none, or an empty object.
struct CancelRequest {
  static constexpr auto fields() { return std::tuple{}; }
};

/// A list of items as pages of it are asked for.
struct Page {
  std::string after;
  int64_t limit = kListed;
  bool ascending = false;
};

/// A parameter of the query as a whole number; `otherwise` where it is not given.
int64_t read_whole(const http::Request& http, const std::string& name, int64_t low, int64_t high, int64_t otherwise) {
  const std::string_view text = http.parameter(name);
  if (text.empty()) return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    refuse(name + ": expected " + std::to_string(low) + " to " + std::to_string(high), name);
  return value;
}

bool read_switch(const http::Request& http, const std::string& name) {
  const std::string_view text = http.parameter(name);
  if (!text.empty() && text != "true" && text != "false") refuse(name + ": expected true or false", name);
  return text == "true";
}

Page read_page(const http::Request& http) {
  Page page{.after = std::string(http.parameter("after"))};
  const std::string_view order = http.parameter("order");
  page.ascending = order == "asc";
  if (!order.empty() && order != "asc" && order != "desc") refuse("order: expected asc or desc", "order");
  page.limit = read_whole(http, "limit", 1, kMostListed, kListed);
  return page;
}

Json list_of(Json items, const Page& page) {
  if (!page.ascending) std::reverse(items.begin(), items.end());
  size_t begin = 0;
  if (!page.after.empty()) {
    while (begin < items.size() && items[begin]["id"] != page.after) ++begin;
    if (begin == items.size()) refuse("after: no item has the id \"" + excerpt(page.after) + "\"", "after");
    ++begin;
  }
  const size_t end = std::min(items.size(), begin + static_cast<size_t>(page.limit));
  Json data = Json::array();
  for (size_t i = begin; i < end; ++i) data.push_back(items[i]);
  const auto id_of = [&](size_t i) { return data.empty() ? Json(nullptr) : data[i]["id"]; };
  const Json first = id_of(0), last = id_of(data.empty() ? 0 : data.size() - 1);
  return {{"object", "list"},
          {"data", std::move(data)},
          {"first_id", first},
          {"last_id", last},
          {"has_more", end < items.size()}};
}

/// The handlers.
class Responses {
 public:
  Responses(const serving::ModelHost& models, serving::ChoiceLimits& limits)
      : models_(models),
        limits_(limits),
        store_({.responses = models.options().api.stored_responses,
                .bytes = models.options().api.stored_bytes,
                .seconds = models.options().api.stored_seconds}),
        runs_(store_) {}

  http::Reply create(const http::Request& http, const http::Wake& wake) {
    const bool ignores = models_.options().api.ignore_unknown_fields;
    ResponsesRequest request =
        http.is_message ? parse_response_create(http.body, ignores) : parse_responses_request(http.body, ignores);
    const Caller caller = http.caller();
    const auto model = models_.get(request.model, caller);
    check_store(request);
    serving::ReceiptOrder order = serving::order_receipt(models_, *model, request.receipt);
    ResponseBuilder::Head head{.id = ids_.next("resp_"),
                               .tenant = caller.principal.tenant,
                               .model = model->id(),
                               .created_at = unix_seconds(),
                               .context = context_of(request, caller.principal.tenant),
                               .tokens = {.tokenizer = &model->tokenizer(), .logprobs = wants_logprobs(request)},
                               .new_id = [this](std::string_view prefix) { return ids_.next(prefix); }};
    head.input = read_items(request.input, head.new_id);
    Json items = head.context;
    for (const Json& item : head.input) items.push_back(item);
    serving::ChatModel chat = model->chat();
    chat.time = order.time;
    PreparedRequest prepared = prepare(request, items, chat, model->limits());
    request.warnings = prepared.warnings;
    request.input = nullptr;
    head.request = std::move(request);
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    order.id = head.id;
    order.route = http.route->pattern;
    http::Reply reply{.headers = {{"X-Request-Id", head.id}}};
    http::add_warnings(reply, prepared.warnings);
    const bool stream = head.request.stream, background = head.request.background;
    const auto events = stream && background ? std::make_shared<EventLog>() : nullptr;
    head.events = events;
    ResponseBuilder builder(std::move(head));
    if (background) {
      std::string body = runs_.start(std::move(builder), [&](std::function<void()> news) {
        return std::make_unique<serving::Answer>(model, std::move(prepared.prompts), limits_, caller, news,
                                                 std::move(prepared.reading), std::move(order));
      });
      if (stream)
        reply.answer = events_from(events, 0, wake);
      else
        reply.answer = http::Response{.body = std::move(body)};
      return reply;
    }
    serving::Answer answer(model, std::move(prepared.prompts), limits_, caller, wake, std::move(prepared.reading),
                           std::move(order));
    if (stream)
      reply.answer = streamed_response(std::move(builder), std::move(answer), store_);
    else
      reply.answer = whole_response(std::move(builder), std::move(answer), store_);
    return reply;
  }

  /// Whole, or the events behind the last that the client has seen.
  http::Reply retrieve(const http::Request& http, const http::Wake& wake) {
    const bool stream = read_switch(http, "stream");
    const auto found = find(http);
    const int64_t seen = read_whole(http, "starting_after", 0, INT64_MAX, -1);
    if (!stream && seen >= 0) refuse("starting_after: is only allowed with stream=true", "starting_after");
    if (!stream) return {http::Response{.body = found->body}};
    if (found->events == nullptr)
      refuse("stream: events are kept of responses that were asked for with both 'background' and 'stream'", "stream");
    if (const int64_t size = found->events->size(); seen >= size)
      refuse("starting_after: expected the number of an event that was sent, at most " + std::to_string(size - 1),
             "starting_after");
    return {events_from(found->events, seen + 1, wake)};
  }

  http::Response list_input(const http::Request& http) {
    const Page page = read_page(http);
    return {.body = http::to_line(list_of(parse_json(find(http)->input, "input").value(), page))};
  }

  http::Response remove(const http::Request& http) {
    const auto found = find(http);
    runs_.cancel(found->tenant, found->id);
    store_.erase(found->tenant, found->id);
    return {.body = http::to_line({{"id", found->id}, {"object", "response"}, {"deleted", true}})};
  }

  /// One that has ended is answered as it is.
  http::Response cancel(const http::Request& http) {
    const auto found = find(http);
    if (!parse_json(found->body, "response").value()["background"].get<bool>())
      refuse("only responses in the background can be cancelled; close the connection of another", "background");
    runs_.cancel(found->tenant, found->id);
    return {.body = find(http)->body};
  }

 private:
  std::shared_ptr<const StoredResponse> find(const http::Request& http) {
    const Principal principal = http.caller().principal;
    const std::string& id = http.arguments.at(0);
    auto found = store_.find(principal.tenant, id);
    if (found == nullptr || !principal.may_ask(found->model)) no_such_response(id, "response_id");
    return found;
  }

  [[noreturn]] static void no_such_response(const std::string& id, const char* field) {
    throw RequestFailure(ErrorCode::kNotFound,
                         "Response with id '" + excerpt(id) + "' not found: it was not kept, or no longer is", field,
                         "response_not_found");
  }

  void check_store(ResponsesRequest& request) const {
    if (!store_.is_off()) return;
    if (request.background)
      refuse("background: this server keeps no responses (stored_responses)", "background", "unsupported_parameter");
    request.store = false;
  }

  /// The items of the answers before.
  Json context_of(const ResponsesRequest& request, const std::string& tenant) {
    if (!request.previous_response_id) return Json::array();
    const auto previous = store_.find(tenant, *request.previous_response_id);
    if (previous == nullptr) no_such_response(*request.previous_response_id, "previous_response_id");
    if (previous->status == "queued" || previous->status == "in_progress")
      refuse("previous_response_id: that response has not ended", "previous_response_id");
    return parse_json(previous->context, "context").value();
  }

  const serving::ModelHost& models_;
  serving::ChoiceLimits& limits_;
  serving::Ids ids_;
  ResponseStore store_;
  BackgroundRuns runs_;  // last, so that it ends first
};

}  // namespace

void add_response_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits) {
  const auto api = std::make_shared<Responses>(models, limits);
  const auto add = [&](http::Route route) {
    route.scope = "inference";
    route.dialect = &kDialect;
    router.add(std::move(route));
  };
  const auto add_kept = [&](http::Method method, const char* pattern, const char* doc,
                            http::Response (Responses::*handler)(const http::Request&)) {
    add({.method = method,
         .pattern = pattern,
         .handler = [api, handler](const http::Request& r,
                                   const http::Wake&) { return http::Reply{(*api.*handler)(r)}; },
         .doc = doc,
         .body = method == http::Method::kPost ? http::body_schema<CancelRequest> : nullptr});
  };
  add({.method = http::Method::kPost,
       .pattern = "/v1/responses",
       .handler = [api](const http::Request& r, const http::Wake& wake) { return api->create(r, wake); },
       .doc = "answer a conversation in items: whole, as named events, or in the background",
       .body = http::body_schema<ResponsesRequest>});
  add({.pattern = "/v1/responses",
       .handler =
           [](const http::Request& r, const http::Wake&) {
             return http::Reply{http::Dialogue{.opening = r, .path = "/v1/responses", .message_of = message_of}};
           },
       .cost = http::Cost::kQuick,
       .doc = "a WebSocket: every message {\"type\": \"response.create\", …} is answered by the events of a stream"});
  add({.pattern = "/v1/responses/{id}",
       .handler = [api](const http::Request& r, const http::Wake& wake) { return api->retrieve(r, wake); },
       .doc = "a kept response, whole or as its events"});
  add_kept(http::Method::kDelete, "/v1/responses/{id}", "forget a kept response", &Responses::remove);
  add_kept(http::Method::kPost, "/v1/responses/{id}/cancel", "end a response in the background", &Responses::cancel);
  add_kept(http::Method::kGet, "/v1/responses/{id}/input_items", "what a kept response was asked with",
           &Responses::list_input);
}

}  // namespace maru::api::openai
