// `maru serve`: models, the dialects that clients speak to them, and the transport, in one object.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/file.h"
#include "http/router.h"
#include "http/server.h"
#include "platform/job_supervisor.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"
#include "tensor/device.h"

namespace maru::api {

struct ServeConfig {
  http::ServerConfig http;
  std::string keys_file, api_key_file, secrets_key_file;
  std::vector<std::string> cors_origins, allowed_hosts;
  std::string traces_endpoint;
  int64_t max_running = 32;
  int64_t max_waiting = 128;
  int64_t max_choices_per_client = 0;
  int64_t step_tokens = 512;
  int64_t draft_tokens = 4;
  bool prefix_cache = true, shared_prefixes = false;
  std::string kv_cache_dtype = "auto";
  int64_t cache_mib = 1024;
  int64_t memory_mib = 0;
  int64_t channel_pieces = 256;
  std::string model_name, draft_model, adapters_dir;
  double adapters_refresh_seconds = 10, unload_idle_seconds = 0;
  double request_timeout_seconds = 600;
  double drain_seconds = 30;
  std::string dtype = "auto";
  std::string tool_parser = "auto", reasoning_parser = "auto";
  std::string receipts = "off";
  bool log_requests = false;
  std::string unknown_fields = "refuse";
  int64_t inline_files_mib = 256;
  int64_t stored_responses = 1024, stored_responses_mib = 64;
  double stored_responses_seconds = 86400;
  platform::JobsConfig jobs;

  /// Who is listened to.
  static constexpr auto access_fields() {
    using C = ServeConfig;
    return std::tuple{
        field("http", &C::http, "the listener"),
        field("keys_file", &C::keys_file,
              "API keys with their tenants, scopes and limits, as `maru keys` writes them; read again when it changes"),
        field("api_key_file", &C::api_key_file, "API keys that may do everything, one per line"),
        field("secrets_key_file", &C::secrets_key_file,
              "64 hexadecimal digits that secrets of workspaces are sealed with; empty: platform/secrets.key of the "
              "home, made when it is needed"),
        field("cors_origins", &C::cors_origins, "web origins that browsers may call from; \"*\": all"),
        field("allowed_hosts", &C::allowed_hosts,
              "further names that this server answers to; on loopback besides "
              "localhost, beyond it instead of any"),
        field("traces_endpoint", &C::traces_endpoint,
              "http://HOST:PORT of an OpenTelemetry collector (OTLP/HTTP) in a private network, which is sent how long "
              "each request took and how many tokens, never what was said; empty: nothing is sent anywhere")};
  }
  /// What is computed, and with what memory.
  static constexpr auto engine_fields() {
    using C = ServeConfig;
    return std::tuple{
        field("max_running", &C::max_running, "choices computed together").range(1, 4096),
        field("max_waiting", &C::max_waiting, "choices that may wait; more are answered 429").range(0, 1 << 20),
        field("max_choices_per_client", &C::max_choices_per_client,
              "running and waiting, of one key and of one other "
              "machine; more are answered 429; 0: half of all")
            .range(0, 1 << 20),
        field("step_tokens", &C::step_tokens, "tokens per step of the engine, all requests together").range(2, 1 << 20),
        field("draft_tokens", &C::draft_tokens,
              "guessed per choice and step from what was said before; the answer is the same; 0: none")
            .range(0, 64),
        field("prefix_cache", &C::prefix_cache, "compute once what prompts of one key begin with"),
        field("shared_prefixes", &C::shared_prefixes,
              "and of all keys: from the time that an answer takes, one can then tell what others asked"),
        field("cache_mib", &C::cache_mib,
              "memory for keys and values of one model, MiB; no more is taken than can be used")
            .range(1, 1 << 24),
        field("kv_cache_dtype", &C::kv_cache_dtype,
              "of keys and values; auto: the model's; int8: half the memory of bf16, answers nearly the same")
            .one_of("auto|int8"),
        field("memory_mib", &C::memory_mib, "for all models and their caches, MiB; 0: what the machine has")
            .range(0, 1 << 30),
        field("model_name", &C::model_name, "what clients call the model; empty: its directory's name"),
        field(
            "draft_model", &C::draft_model,
            "a small model of the same tokens, by name or path, that guesses for the model; the answers are the same"),
        field("adapters_dir", &C::adapters_dir,
              "a directory of PEFT adapters, each served under its directory's name beside the model"),
        field("adapters_refresh_seconds", &C::adapters_refresh_seconds,
              "how often adapters_dir is looked at again; 0: never")
            .range(0, 86400),
        field("unload_idle_seconds", &C::unload_idle_seconds,
              "models that are loaded on request go when nobody asks for so long; 0: when another needs their memory")
            .range(0, 1e9),
        field("channel_pieces", &C::channel_pieces, "pieces of text a slow reader may be behind").range(1, 1 << 20)};
  }
  /// How requests are answered.
  static constexpr auto answer_fields() {
    using C = ServeConfig;
    return std::tuple{
        field("request_timeout_seconds", &C::request_timeout_seconds, "for one generation, waiting included")
            .range(0.001, 1e7),
        field("drain_seconds", &C::drain_seconds, "after SIGTERM the process has ended, whatever still runs")
            .range(0, 86400),
        field("receipts", &C::receipts,
              "signed receipts of where answers came from: for requests that ask (\"receipt\": true), or all; weights "
              "are "
              "read once more at the start, and the home gets a key to sign with")
            .one_of("off|asked|always"),
        field("log_requests", &C::log_requests,
              "a line of JSON on standard error for each: who, what, how long, never what was said"),
        field("unknown_fields", &C::unknown_fields,
              "of requests, which no API documents; ignore: the answer says so in X-Maru-Warning")
            .one_of("refuse|ignore"),
        field("inline_files_mib", &C::inline_files_mib,
              "files of a commit that may come within its body, all together, MiB; larger ones are to be brought by "
              "themselves, as Git LFS does")
            .range(0, 1 << 20),
        field("stored_responses", &C::stored_responses,
              "of /v1/responses, kept in memory to be asked for again; beyond it the oldest go; 0: none is kept")
            .range(0, 1 << 20),
        field("stored_responses_mib", &C::stored_responses_mib, "for all of them, MiB").range(1, 1 << 20),
        field("stored_responses_seconds", &C::stored_responses_seconds, "that one is kept").range(1, 1e9),
        field("jobs", &C::jobs, "how jobs of the home are run"),
        field("dtype", &C::dtype, "of weights and activations; auto: the model's own").one_of("auto|f32|bf16"),
        field("tool_parser", &C::tool_parser,
              "how models write calls of tools; auto: as their chat templates say; none: "
              "calls come as text"),
        field("reasoning_parser", &C::reasoning_parser,
              "how models write reasoning; auto: as their chat templates say; none: it comes as text")};
  }
  static constexpr auto fields() { return std::tuple_cat(access_fields(), engine_fields(), answer_fields()); }
};

/// Adds the routes of one dialect, which answer with these models within these limits.
using AddDialect = void (*)(http::Router&, const serving::ModelHost&, serving::ChoiceLimits&);
/// Those that Maru speaks.
std::vector<AddDialect> all_dialects();

/// What the caller brings along.
struct ServeContext {
  fs::path home;                        // for the routes under /v1/maru; empty: without them
  std::vector<std::string> api_keys;    // besides those of the files
  std::span<const http::Asset> assets;  // the console; must outlive the server
  std::string isa;                      // what is computed on, as it is told to clients
  int64_t threads = 0;
  Device* device = nullptr;  // what models are loaded onto while it runs; null: none are
  std::optional<platform::SupervisorOptions> jobs = {};  // who runs the jobs of the home; nothing: nobody here
  std::vector<AddDialect> dialects = all_dialects();
  std::function<void(const std::string&)> warn = {};  // told what an operator should know; from any thread
  std::function<void(const std::string&)> log = {};   // a line of JSON per request; from any thread
};

/// A running server. Listens from construction on.
class ApiServer {
 public:
  /// `load` fills the host with models before anybody is listened to.
  ///
  /// Throws   kInvalidArgument when it would listen beyond loopback without an API key; what `load` and http::Server
  ///          throw.
  ApiServer(const ServeConfig& config, const ServeContext& context,
            const std::function<void(serving::ModelHost&)>& load);
  ~ApiServer();
  int port() const;
  const serving::ModelHost& models() const;
  /// Answers /v1/health/ready with 503, stops accepting, lets running requests finish; false when time ran out first.
  bool drain(std::chrono::milliseconds deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What is printed once the server listens.
struct ServeSummary {
  struct Model {
    std::string id, dtype;
    int64_t parameters = 0, max_context = 0, kv_pages = 0;
  };
  std::string url, isa;
  int64_t threads = 0;
  std::vector<Model> models;
  std::vector<std::string> names;  // of all that answers
};

/// What is served.
struct ServedSources {
  std::vector<serving::ModelSource> models;      // at least one; they stay
  std::vector<serving::ModelSource> on_request;  // loaded when somebody asks for them
  std::vector<serving::AdapterSource> adapters;
};

/// Loads models and serves them on `device` until SIGINT or SIGTERM, then drains. The caller has installed the
/// interrupt handler; `ready` is called once the server listens, `overdue` when the process ends with work unfinished
/// because `drain_seconds` are over.
void serve(const ServeConfig& config, ServeContext context, const ServedSources& sources, Device& device,
           const std::function<void(const ServeSummary&)>& ready, const std::function<void()>& overdue = {});

}  // namespace maru::api
