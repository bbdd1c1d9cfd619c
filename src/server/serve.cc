#include "server/serve.h"

#include <atomic>
#include <utility>

#include "base/json.h"
#include "base/map_guard.h"
#include "ledger/code_version.h"
#include "server/api_error.h"
#include "server/home_routes.h"
#include "server/metrics.h"

namespace maru::server {
namespace {

using Clock = std::chrono::steady_clock;

ApiKeys keys_of(const ServeConfig& config, const ServeContext& context) {
  std::vector<std::string> keys = context.api_keys;
  if (!config.api_key_file.empty())
    for (std::string& key : parse_keys(read_file(config.api_key_file, 1 << 20))) keys.push_back(std::move(key));
  if (keys.empty() && !config.api_key_file.empty())
    throw Failure(ErrorCode::kInvalidArgument, config.api_key_file + ": holds no API key");
  if (keys.empty() && !is_loopback(config.http.address))
    throw Failure(ErrorCode::kInvalidArgument,
                  "address " + config.http.address + ": listening beyond this machine needs an API key (api_key_file)");
  return ApiKeys(keys);
}

infer::EngineOptions engine_options(const ServeConfig& config, const ServeParts& parts) {
  return {.max_running = config.max_running,
          .max_waiting = config.max_waiting,
          .step_tokens = config.step_tokens,
          .channel_pieces = config.channel_pieces,
          .end_tokens = parts.end_tokens,
          .seed = static_cast<uint64_t>(Clock::now().time_since_epoch().count())};
}

int64_t unix_seconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

/// `why` not, or "".
Response health(const char* word, const std::string& why) {
  const Json body{{"object", "health.response"}, {"message", why.empty() ? word : why}, {word, why.empty()}};
  return {.status = why.empty() ? 200 : 503, .body = body.dump()};
}

ApiError draining_error() {
  return to_api_error({ErrorCode::kUnavailable, "this server is shutting down; send the request to another"});
}

}  // namespace

struct ApiServer::State {
  State(const ServeConfig& config, const ServeContext& context, const ServeParts& parts)
      : parts(parts),
        metrics(std::string(ledger::code_version()), parts.isa, parts.model_id),
        engine(*parts.model, *parts.tokenizer, engine_options(config, parts), &metrics),
        limits({.places = config.max_running + config.max_waiting, .per_client = config.max_choices_per_client}),
        served{.id = parts.model_id,
               .created = unix_seconds(),
               .tokenizer = parts.tokenizer,
               .chat_template = parts.chat_template,
               .engine = &engine,
               .limits = &limits,
               .vocab_size = parts.model->vocab_size(),
               .timeout_seconds = config.request_timeout_seconds,
               .details = parts.details},
        router(keys_of(config, context), config.cors_origins, HostRule(config.http.address, config.allowed_hosts)) {
    add_openai_routes(router, served);
    add_own_routes();
    if (!context.home.empty()) add_home_routes(router, context.home);
    router.add_assets(context.assets);
    http = std::make_unique<HttpServer>(
        config.http,
        HttpService{.admit = [this](Request& request) { return admit(request); },
                    .answer = [this](Request& request, const Wake& wake) { return router.answer(request, wake); },
                    .observe = [this](const Exchange& exchange) { metrics.exchange(exchange); }});
    listening = http.get();
  }

  Admission admit(Request& request) const {
    Admission admission = router.admit(request);
    if (draining && !admission.refusal && !request.path.starts_with("/v1/health/")) {
      admission.refusal.emplace();
      admission.refusal->answer = to_response(draining_error());
    }
    return admission;
  }
  void add_own_routes();
  std::string why_not_ready() const;
  Response status() const;

  const ServeParts parts;
  const Clock::time_point start = Clock::now();
  std::atomic<bool> draining{false};
  Metrics metrics;
  infer::Engine engine;
  ChoiceLimits limits;
  const ServedModel served;
  Router router;
  std::atomic<HttpServer*> listening{nullptr};
  std::unique_ptr<HttpServer> http;  // last, so that it ends first
};

void ApiServer::State::add_own_routes() {
  router.add({.pattern = "/v1/health/live",
              .handler = [](const Request&, const Wake&) { return Reply{health("live", "")}; },
              .access = Access::kOpen,
              .cost = Cost::kQuick,
              .doc = "200 while the process runs"});
  router.add({.pattern = "/v1/health/ready",
              .handler = [this](const Request&, const Wake&) { return Reply{health("ready", why_not_ready())}; },
              .access = Access::kOpen,
              .cost = Cost::kQuick,
              .doc = "200 while requests are taken, 503 while draining or when a weight file was cut or written to"});
  router.add({.pattern = "/v1/metrics",
              .handler =
                  [this](const Request&, const Wake&) {
                    const HttpServer* server = listening;
                    return Reply{
                        Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                 .body = metrics.text(engine.stats(), server == nullptr ? 0 : server->connections(),
                                                      server == nullptr ? 0 : server->queued())}};
                  },
              .cost = Cost::kQuick,
              .doc = "Prometheus text"});
  router.add({.pattern = "/v1/maru/status",
              .handler = [this](const Request&, const Wake&) { return Reply{status()}; },
              .cost = Cost::kQuick,
              .doc = "version, instruction set, model and uptime"});
}

std::string ApiServer::State::why_not_ready() const {
  if (draining) return "draining";
  const Outcome weights = mapped_files_intact();
  return weights.ok() ? "" : weights.error().message;
}

Response ApiServer::State::status() const {
  const double uptime = std::chrono::duration<double>(Clock::now() - start).count();
  const infer::EngineStats stats = engine.stats();
  const Json body{{"version", std::string(ledger::code_version())},
                  {"isa", parts.isa},
                  {"threads", parts.threads},
                  {"model", parts.model_id},
                  {"uptime_seconds", uptime},
                  {"choices_running", stats.running},
                  {"choices_waiting", stats.waiting},
                  {"kv_pages", stats.pages},
                  {"kv_pages_used", stats.pages_used}};
  return {.body = body.dump()};
}

ApiServer::ApiServer(const ServeConfig& config, const ServeContext& context, const ServeParts& parts)
    : state_(std::make_unique<State>(config, context, parts)) {}

ApiServer::~ApiServer() = default;

int ApiServer::port() const { return state_->http->port(); }
int64_t ApiServer::max_context() const { return state_->engine.max_context(); }
infer::EngineStats ApiServer::stats() const { return state_->engine.stats(); }

bool ApiServer::drain(std::chrono::milliseconds deadline) {
  state_->draining = true;
  return state_->http->drain(deadline);
}

}  // namespace maru::server
