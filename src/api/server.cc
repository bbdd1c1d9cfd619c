#include "api/server.h"

#include <atomic>
#include <map>
#include <utility>

#include "api/anthropic/routes.h"
#include "api/console/home_routes.h"
#include "api/hub/routes.h"
#include "api/jobs/routes.h"
#include "api/keys.h"
#include "api/manage.h"
#include "api/metrics.h"
#include "api/nemo/routes.h"
#include "api/nim/probes.h"
#include "api/nim/routes.h"
#include "api/ollama/routes.h"
#include "api/openai/error.h"
#include "api/openai/responses/routes.h"
#include "api/openai/routes.h"
#include "api/rates.h"
#include "api/request_line.h"
#include "api/tenants/routes.h"
#include "api/tracer.h"
#include "base/json.h"
#include "base/map_guard.h"
#include "base/memory_reserve.h"
#include "catalogue/layout.h"
#include "http/openapi.h"
#include "ledger/code_version.h"
#include "ledger/signing_keys.h"
#include "platform/roles.h"
#include "serving/adapter_folder.h"
#include "serving/receipts.h"

namespace maru::api {
namespace {

/// What is under way may need what is left.
void begin_nothing_without_memory(const http::Request& request) {
  if (request.method == http::Method::kPost && !refill_memory_reserve())
    throw Failure(ErrorCode::kUnavailable, "there is no memory for more requests at the moment; try again later");
}

using Clock = std::chrono::steady_clock;

constexpr const char* kTracesPath = "/v1/traces";  // where OTLP/HTTP takes them

/// Null: it has none.
std::unique_ptr<platform::HomeDatabase> home_of(const ServeContext& context) {
  if (context.home.empty()) return nullptr;
  return std::make_unique<platform::HomeDatabase>(context.home / catalogue::kPlatformFolder, context.warn,
                                                  context.home / ledger::kSigningFolder);
}

/// Null: this server gives none.
std::unique_ptr<const serving::Receipts> receipts_of(const ServeConfig& config, const fs::path& home) {
  if (config.receipts == "off") return nullptr;
  if (home.empty())
    throw Failure(ErrorCode::kInvalidArgument, "serve.receipts: there is no home for the key that signs them");
  const ledger::SigningKeys keys(home / ledger::kSigningFolder);
  return std::make_unique<const serving::Receipts>(
      serving::signed_receipts(keys.current_or_new(), config.receipts == "always"));
}

serving::HostOptions host_options(const ServeConfig& config, const serving::Receipts* receipts,
                                  const std::function<void(const std::string&)>& warn) {
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
          .unload_idle_seconds = config.unload_idle_seconds,
          .tool_parser = config.tool_parser,
          .reasoning_parser = config.reasoning_parser,
          .api = {.ignore_unknown_fields = config.unknown_fields == "ignore",
                  .stored_responses = config.stored_responses,
                  .stored_bytes = config.stored_responses_mib << 20,
                  .stored_seconds = config.stored_responses_seconds},
          .receipts = receipts,
          .warn = warn};
}

/// Whoever may read this server's metrics may not thereby learn which keys other workspaces have: told are those of
/// files and of the operator's own.
bool is_of_workspace(const std::string& key) {
  const size_t slash = key.find('/');
  return slash != key.npos && key.substr(0, slash) != platform::kLocal;
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
        receipts(receipts_of(config, context.home)),
        models(host_options(config, receipts.get(), context.warn),
               [this](const std::string& id) { return metrics.observer_of(id); }),
        home(home_of(context)),
        keys(home == nullptr ? nullptr : std::make_shared<platform::HomeKeys>(*home, context.warn)),
        metering(home == nullptr ? nullptr : std::make_unique<platform::Metering>(*home, context.warn)),
        limits({.places = config.max_running + config.max_waiting, .per_client = config.max_choices_per_client}, &rates,
               platform::RateClock::now, metering.get()),
        router(authenticator_of(config, context, keys), config.cors_origins,
               http::HostRule(config.http.address, config.allowed_hosts), openai::kDialect) {
    if (!config.traces_endpoint.empty())
      tracer = std::make_unique<Tracer>(http::parse_destination(config.traces_endpoint, "traces_endpoint", kTracesPath),
                                        std::string(ledger::code_version()), context.warn);
    load(models);
    CHECK(!models.names().empty());
    for (const AddDialect add : context.dialects) add(router, models, limits);
    nim::add_routes(router, {.why_not_ready = [this] { return why_not_ready(); },
                             .metrics = [this] { return scrape(); },
                             .version = std::string(ledger::code_version()),
                             .models = [this] { return model_ids(); }});
    nim::add_model_probes(router, models, std::string(ledger::code_version()));
    console::add_status_route(router, [this] { return status(); });
    if (!context.home.empty()) {
      console::add_home_routes(router, context.home);
      tenants::add_workspace_routes(router, *home, *keys);
      tenants::add_key_routes(router, *home, *keys);
      tenants::add_audit_routes(router, *home);
      tenants::add_secret_routes(router, *home, config.secrets_key_file);
      tenants::add_usage_routes(router, *home, *metering);
      files = std::make_unique<platform::FileStore>(*home, context.warn);
      hub::add_routes(router, *files, config.inline_files_mib << 20);
      nemo::add_namespace_routes(router, *home);
      nemo::add_entity_routes(router, *home);
      jobs = std::make_unique<platform::JobStore>(*home);
      jobs::add_routes(router, *jobs, context.home);
      if (context.jobs) supervisor = std::make_unique<platform::JobSupervisor>(*jobs, *context.jobs);
    }
    if (context.device != nullptr) {
      std::vector<fs::path> folders;
      if (!config.adapters_dir.empty()) folders.emplace_back(config.adapters_dir);
      add_manage_routes(router, models, *context.device, {.home = context.home, .adapters = folders}, home.get());
      for (const fs::path& folder : folders)
        adapters = std::make_unique<serving::AdapterFolder>(folder, config.adapters_refresh_seconds, models,
                                                            *context.device, context.warn);
    }
    http::add_openapi_route(router, std::string(ledger::code_version()));
    http::check_schemas(router);
    router.add_assets(context.assets);
    router.set_gate([this](const http::Request& request) {
      begin_nothing_without_memory(request);
      count_request(rates, metering.get(), request);
    });
    models.open();
    server = std::make_unique<http::Server>(
        config.http,
        http::Service{.dialect = &openai::kDialect,
                      .admit = [this](http::Request& request) { return admit(request); },
                      .answer = [this](http::Request& r, const http::Wake& wake) { return answer(r, wake); },
                      .observe =
                          [this, log = context.log](const http::Exchange& exchange) {
                            metrics.exchange(exchange);
                            if (tracer != nullptr) tracer->add(exchange);
                            if (log) log(request_line(exchange));
                          },
                      .warn = context.warn});
    listening = server.get();
  }

  http::Admission admit(http::Request& request) {
    http::Admission admission = router.admit(request);
    if (tracer != nullptr && request.method == http::Method::kPost && request.route != nullptr &&
        request.route->scope == "inference")
      request.record = std::make_shared<RequestRecord>(std::string(request.header("traceparent")));
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
  const std::unique_ptr<const serving::Receipts> receipts;
  serving::ModelHost models;
  platform::RateLimiter rates;
  const std::unique_ptr<platform::HomeDatabase> home;  // null: there is none
  const std::shared_ptr<platform::HomeKeys> keys;      // likewise
  const std::unique_ptr<platform::Metering> metering;  // likewise
  serving::ChoiceLimits limits;
  std::unique_ptr<platform::FileStore> files;  // likewise
  std::unique_ptr<platform::JobStore> jobs;    // likewise
  http::Router router;
  std::unique_ptr<platform::JobSupervisor> supervisor;  // null: nobody here runs jobs
  std::unique_ptr<serving::AdapterFolder> adapters;
  std::unique_ptr<Tracer> tracer;  // null: nobody wants to know
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
  for (serving::ServedName& name : models.names())
    if (!name.encoder) ids.push_back(std::move(name.id));
  return ids;
}

std::string ApiServer::State::scrape() {
  const http::Server* server_now = listening;
  if (tracer != nullptr) metrics.set_spans(tracer->num_sent(), tracer->num_dropped());
  std::map<std::string, int64_t> choices = limits.choices_by_key();
  std::erase_if(choices, [](const auto& one) { return is_of_workspace(one.first); });
  metrics.set_choices(choices);
  if (files != nullptr) metrics.set_files(files->counts());
  return metrics.text(models, server_now == nullptr ? 0 : server_now->connections(),
                      server_now == nullptr ? 0 : server_now->queued());
}

console::Status ApiServer::State::status() const {
  const infer::EngineStats stats = models.stats();
  const std::vector<std::string> ids = model_ids();
  return {.version = std::string(ledger::code_version()),
          .isa = isa,
          .threads = threads,
          .model = ids.empty() ? "" : ids[0],
          .models = ids,
          .uptime_seconds = std::chrono::duration<double>(Clock::now() - start).count(),
          .choices_running = stats.running,
          .choices_waiting = stats.waiting,
          .kv_pages = stats.pages,
          .kv_pages_used = stats.pages_used};
}

std::vector<AddDialect> all_dialects() {
  return {openai::add_routes, openai::add_response_routes, anthropic::add_routes, ollama::add_routes};
}

ApiServer::ApiServer(const ServeConfig& config, const ServeContext& context,
                     const std::function<void(serving::ModelHost&)>& load)
    : state_(std::make_unique<State>(config, context, load)) {}

ApiServer::~ApiServer() = default;

int ApiServer::port() const { return state_->server->port(); }
const serving::ModelHost& ApiServer::models() const { return state_->models; }

bool ApiServer::drain(std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  state_->draining = true;
  const bool drained = state_->server->drain(deadline);
  if (state_->tracer != nullptr) state_->tracer->finish(end);
  return drained;
}

}  // namespace maru::api
