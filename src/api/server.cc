#include "api/server.h"

#include <atomic>
#include <utility>

#include "api/anthropic/routes.h"
#include "api/console/home_routes.h"
#include "api/keys.h"
#include "api/metrics.h"
#include "api/nim/routes.h"
#include "api/openai/error.h"
#include "api/openai/responses/routes.h"
#include "api/openai/routes.h"
#include "api/rates.h"
#include "api/request_line.h"
#include "base/json.h"
#include "base/map_guard.h"
#include "http/openapi.h"
#include "ledger/code_version.h"

namespace maru::api {
namespace {

using Clock = std::chrono::steady_clock;

serving::HostOptions host_options(const ServeConfig& config) {
  return {.max_running = config.max_running,
          .max_waiting = config.max_waiting,
          .step_tokens = config.step_tokens,
          .channel_pieces = config.channel_pieces,
          .draft_tokens = config.draft_tokens,
          .prefix_cache = config.prefix_cache,
          .shared_prefixes = config.shared_prefixes,
          .int8_cache = config.kv_cache_dtype == "int8",
          .cache_bytes = config.cache_mib << 20,
          .memory_bytes = config.memory_mib << 20,
          .dtype = config.dtype == "auto" ? std::nullopt : std::optional(parse_dtype(config.dtype)),
          .timeout_seconds = config.request_timeout_seconds,
          .tool_parser = config.tool_parser,
          .reasoning_parser = config.reasoning_parser,
          .api = {.ignore_unknown_fields = config.unknown_fields == "ignore",
                  .stored_responses = config.stored_responses,
                  .stored_bytes = config.stored_responses_mib << 20,
                  .stored_seconds = config.stored_responses_seconds}};
}

http::Problem draining_problem() {
  return http::to_problem({ErrorCode::kUnavailable, "this server is shutting down; send the request to another"});
}

}  // namespace

struct ApiServer::State {
  State(const ServeConfig& config, const ServeContext& context, const std::function<void(serving::ModelHost&)>& load)
      : isa(context.isa),
        threads(context.threads),
        metrics(std::string(ledger::code_version()), context.isa),
        models(host_options(config), [this](const std::string& id) { return metrics.observer_of(id); }),
        limits({.places = config.max_running + config.max_waiting, .per_client = config.max_choices_per_client},
               &rates),
        router(authenticator_of(config, context), config.cors_origins,
               http::HostRule(config.http.address, config.allowed_hosts), openai::kDialect) {
    load(models);
    CHECK(!models.list().empty());
    for (const AddDialect add : context.dialects) add(router, models, limits);
    nim::add_routes(router, {.why_not_ready = [this] { return why_not_ready(); },
                             .metrics = [this] { return scrape(); },
                             .version = std::string(ledger::code_version()),
                             .models = [this] { return model_ids(); }});
    console::add_status_route(router, [this] { return status(); });
    if (!context.home.empty()) console::add_home_routes(router, context.home);
    http::add_openapi_route(router, std::string(ledger::code_version()));
    router.add_assets(context.assets);
    router.set_gate([this](const http::Request& request) { count_request(rates, request); });
    server = std::make_unique<http::Server>(
        config.http,
        http::Service{.dialect = &openai::kDialect,
                      .admit = [this](http::Request& request) { return admit(request); },
                      .answer = [this](http::Request& r, const http::Wake& wake) { return answer(r, wake); },
                      .observe =
                          [this, log = context.log](const http::Exchange& exchange) {
                            metrics.exchange(exchange);
                            if (log) log(request_line(exchange));
                          },
                      .warn = context.warn});
    listening = server.get();
  }

  http::Admission admit(http::Request& request) {
    http::Admission admission = router.admit(request);
    if (admission.refusal) add_rate_headers(rates, request, *admission.refusal);
    if (draining && !admission.refusal && !admission.open) {
      admission.refusal.emplace();
      admission.refusal->answer = http::to_response(draining_problem(), *admission.dialect);
    }
    return admission;
  }
  http::Reply answer(http::Request& request, const http::Wake& wake) {
    http::Reply reply = router.answer(request, wake);
    add_rate_headers(rates, request, reply);
    return reply;
  }
  std::string why_not_ready() const;
  std::vector<std::string> model_ids() const;
  std::string scrape();
  console::Status status() const;

  const std::string isa;
  const int64_t threads;
  const Clock::time_point start = Clock::now();
  std::atomic<bool> draining{false};
  Metrics metrics;
  serving::ModelHost models;
  platform::RateLimiter rates;
  serving::ChoiceLimits limits;
  http::Router router;
  std::atomic<http::Server*> listening{nullptr};
  std::unique_ptr<http::Server> server;  // last, so that it ends first
};

std::string ApiServer::State::why_not_ready() const {
  if (draining) return "draining";
  const Outcome weights = mapped_files_intact();
  return weights.ok() ? "" : weights.error().message;
}

std::vector<std::string> ApiServer::State::model_ids() const {
  std::vector<std::string> ids;
  for (const auto& model : models.list()) ids.push_back(model->id());
  return ids;
}

std::string ApiServer::State::scrape() {
  const http::Server* server_now = listening;
  return metrics.text(models, server_now == nullptr ? 0 : server_now->connections(),
                      server_now == nullptr ? 0 : server_now->queued());
}

console::Status ApiServer::State::status() const {
  const infer::EngineStats stats = models.stats();
  const std::vector<std::string> ids = model_ids();
  return {.version = std::string(ledger::code_version()),
          .isa = isa,
          .threads = threads,
          .model = ids[0],
          .models = ids,
          .uptime_seconds = std::chrono::duration<double>(Clock::now() - start).count(),
          .choices_running = stats.running,
          .choices_waiting = stats.waiting,
          .kv_pages = stats.pages,
          .kv_pages_used = stats.pages_used};
}

std::vector<AddDialect> all_dialects() {
  return {openai::add_routes, openai::add_response_routes, anthropic::add_routes};
}

ApiServer::ApiServer(const ServeConfig& config, const ServeContext& context,
                     const std::function<void(serving::ModelHost&)>& load)
    : state_(std::make_unique<State>(config, context, load)) {}

ApiServer::~ApiServer() = default;

int ApiServer::port() const { return state_->server->port(); }
const serving::ModelHost& ApiServer::models() const { return state_->models; }

bool ApiServer::drain(std::chrono::milliseconds deadline) {
  state_->draining = true;
  return state_->server->drain(deadline);
}

}  // namespace maru::api
