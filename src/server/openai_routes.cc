#include "server/openai_routes.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/excerpt.h"
#include "base/random.h"
#include "server/api_error.h"
#include "server/openai_answer.h"
#include "server/openai_error.h"
#include "server/openai_json.h"
#include "server/openai_request.h"

namespace maru::server {
namespace {

int64_t now_seconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void no_such_model(const std::string& name) {
  throw ApiFailure({.status = 404,
                    .message = "The model '" + excerpt(name) + "' does not exist or is not served here; see /v1/models",
                    .param = "model",
                    .code = "model_not_found"});
}

/// The first of them, for clients that read no further field, in ASCII.
std::string header_of(const std::vector<std::string>& warnings) {
  const std::string more = warnings.size() > 1 ? fmt::format(" (and {} more)", warnings.size() - 1) : "";
  return warnings.front() + more;
}

/// The handlers of one served model.
class OpenAi {
 public:
  explicit OpenAi(const ServedModel& model) : model_(model) {}

  Response list() const { return {.body = to_line({{"object", "list"}, {"data", Json::array({card()})}})}; }

  Response retrieve(const std::string& id) const {
    if (id != model_.id) no_such_model(id);
    return {.body = to_line(card())};
  }

  Reply chat(const Request& http, const Wake& wake) const {
    const ChatRequest request = parse_chat_request(http.body);
    return answer(http, request, prepare_for(request), {.chat = true, .logprobs = request.logprobs}, wake);
  }

  Reply complete(const Request& http, const Wake& wake) const {
    const CompletionRequest request = parse_completion_request(http.body);
    return answer(http, request, prepare_for(request), {.logprobs = request.logprobs.has_value()}, wake);
  }

 private:
  Json card() const {
    return {{"id", model_.id},
            {"object", "model"},
            {"created", model_.created},
            {"owned_by", "maru"},
            {"root", model_.id},
            {"parent", nullptr},
            {"max_model_len", model_.engine->max_context()},
            {"maru", parse_json(model_.details, "model details").value()}};
  }

  void require_served(const CommonRequest& request) const {
    if (request.model != model_.id) no_such_model(request.model);
  }

  RequestLimits limits() const {
    return {.max_context = model_.engine->max_context(),
            .vocab_size = model_.vocab_size,
            .timeout_seconds = model_.timeout_seconds};
  }

  PreparedRequest prepare_for(const ChatRequest& request) const {
    require_served(request);
    return prepare(request, *model_.tokenizer, model_.chat_template, limits());
  }

  PreparedRequest prepare_for(const CompletionRequest& request) const {
    require_served(request);
    return prepare(request, *model_.tokenizer, limits());
  }

  Reply answer(const Request& http, const CommonRequest& request, PreparedRequest prepared, AnswerInfo info,
               const Wake& wake) const {
    if (http.stop.stop_requested()) throw Failure(ErrorCode::kCancelled, "the client went away");
    info.places = model_.limits->take(http, request.n * static_cast<int64_t>(prepared.prompts.size()));
    info.id = next_id(info.chat);
    info.model = model_.id;
    info.created = now_seconds();
    info.tokenizer = model_.tokenizer;
    info.choices_per_prompt = request.n;
    info.echo = std::move(prepared.echo);
    info.warnings = std::move(prepared.warnings);
    if (request.stream_options) {
      info.usage_always = request.stream_options->continuous_usage_stats;
      info.usage = request.stream_options->include_usage;
    }
    Generations generations;
    for (infer::GenerationRequest& prompt : prepared.prompts) {
      info.prompt_tokens += static_cast<int64_t>(prompt.prompt.size());
      generations.push_back(model_.engine->submit(std::move(prompt), wake));
    }
    Reply reply{.headers = {{"X-Request-Id", info.id}}};
    if (!info.warnings.empty()) reply.headers.emplace_back("X-Maru-Warning", header_of(info.warnings));
    if (request.stream)
      reply.answer = streamed_answer(std::move(info), std::move(generations));
    else
      reply.answer = whole_answer(std::move(info), std::move(generations));
    return reply;
  }

  std::string next_id(bool chat) const {
    const uint64_t n = mix64(salt_ + ++count_);
    return fmt::format("{}-{:016x}", chat ? "chatcmpl" : "cmpl", n);
  }

  const ServedModel& model_;
  const uint64_t salt_ = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  mutable std::atomic<uint64_t> count_{0};
};

}  // namespace

void add_openai_routes(Router& router, const ServedModel& model) {
  const auto api = std::make_shared<const OpenAi>(model);
  router.add({.pattern = "/v1/models",
              .handler = [api](const Request&, const Wake&) { return Reply{api->list()}; },
              .cost = Cost::kQuick,
              .doc = "the models that are served"});
  router.add({.pattern = "/v1/models/{id}",
              .handler = [api](const Request& r, const Wake&) { return Reply{api->retrieve(r.arguments[0])}; },
              .cost = Cost::kQuick,
              .doc = "one model"});
  router.add({.method = Method::kPost,
              .pattern = "/v1/chat/completions",
              .handler = [api](const Request& r, const Wake& wake) { return api->chat(r, wake); },
              .doc = "answer a conversation, whole or as server-sent events"});
  router.add({.method = Method::kPost,
              .pattern = "/v1/completions",
              .handler = [api](const Request& r, const Wake& wake) { return api->complete(r, wake); },
              .doc = "go on from a text or from tokens"});
}

}  // namespace maru::server
