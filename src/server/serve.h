// `maru serve`: a model, its engine and the HTTP API in one object.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/file.h"
#include "infer/engine.h"
#include "server/http_router.h"
#include "server/http_server.h"
#include "server/openai_routes.h"
#include "tensor/stream.h"

namespace maru::server {

struct ServeConfig {
  HttpConfig http;
  std::string api_key_file;
  std::vector<std::string> cors_origins, allowed_hosts;
  int64_t max_running = 32;
  int64_t max_waiting = 128;
  int64_t max_choices_per_client = 0;
  int64_t step_tokens = 512;
  int64_t cache_mib = 1024;
  int64_t channel_pieces = 256;
  double request_timeout_seconds = 600;
  double drain_seconds = 30;
  std::string dtype = "auto";

  static constexpr auto fields() {
    using C = ServeConfig;
    return std::tuple{
        field("http", &C::http, "the listener"),
        field("api_key_file", &C::api_key_file, "one key per line; clients send one of them as a bearer token"),
        field("cors_origins", &C::cors_origins, "web origins that browsers may call from; \"*\": all"),
        field("allowed_hosts", &C::allowed_hosts,
              "further names that this server answers to; on loopback besides "
              "localhost, beyond it instead of any"),
        field("max_running", &C::max_running, "choices computed together").range(1, 4096),
        field("max_waiting", &C::max_waiting, "choices that may wait; more are answered 429").range(0, 1 << 20),
        field("max_choices_per_client", &C::max_choices_per_client,
              "running and waiting, of one key and of one other "
              "machine; more are answered 429; 0: half of all")
            .range(0, 1 << 20),
        field("step_tokens", &C::step_tokens, "tokens per step of the engine, all requests together").range(2, 1 << 20),
        field("cache_mib", &C::cache_mib, "memory for keys and values, MiB; no more is taken than can be used")
            .range(1, 1 << 24),
        field("channel_pieces", &C::channel_pieces, "pieces of text a slow reader may be behind").range(1, 1 << 20),
        field("request_timeout_seconds", &C::request_timeout_seconds, "for one generation, waiting included")
            .range(0.001, 1e7),
        field("drain_seconds", &C::drain_seconds, "after SIGTERM the process has ended, whatever still runs")
            .range(0, 86400),
        field("dtype", &C::dtype, "of weights and activations; auto: the model's own").one_of("auto|f32|bf16")};
  }
};

/// What the caller brings along.
struct ServeContext {
  fs::path home;                      // for the routes under /v1/maru; empty: without them
  std::vector<std::string> api_keys;  // besides those of the key file
  std::span<const Asset> assets;      // the console; must outlive the server
  fs::path adapter;                   // a PEFT adapter's directory, used with the model; empty: none
  std::string model_id;               // as clients name the model; empty: its directory's name
};

/// The model side of a server, ready to run.
struct ServeParts {
  infer::StepModel* model = nullptr;
  const text::Tokenizer* tokenizer = nullptr;
  const text::ChatTemplate* chat_template = nullptr;  // null: the model cannot chat
  std::string model_id;
  std::vector<int32_t> end_tokens;
  std::string isa;
  int64_t threads = 0;
  std::string details = "{}";  // JSON shown in /v1/models as "maru"
};

/// A running server. Listens from construction on.
///
/// Throws   kInvalidArgument when it would listen beyond loopback without an API key; what HttpServer and Engine throw.
class ApiServer {
 public:
  ApiServer(const ServeConfig& config, const ServeContext& context, const ServeParts& parts);
  ~ApiServer();
  int port() const;
  infer::EngineStats stats() const;
  /// Prompt and answer together may be this long: the model's limit, or less when the key-value memory is smaller.
  int64_t max_context() const;
  /// Answers /v1/health/ready with 503, stops accepting, lets running requests finish; false when time ran out first.
  bool drain(std::chrono::milliseconds deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// After this long the process ends with the exit code of kDeadline, whatever its threads do, unless this is destroyed
/// first: a handler or a computation that hangs must not outlive a request to stop.
class EndOfProcess {
 public:
  /// `last_words` is called right before; it must not wait for other threads.
  EndOfProcess(std::chrono::duration<double> after, std::function<void()> last_words);
  ~EndOfProcess();
  EndOfProcess(const EndOfProcess&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What is printed once the server listens.
struct ServeSummary {
  std::string url, model, isa, dtype;
  int64_t threads = 0, parameters = 0, max_context = 0, kv_pages = 0;
};

/// Loads a model directory and serves it on `stream` until SIGINT or SIGTERM, then drains. The caller has installed the
/// interrupt handler; `ready` is called once the server listens, `overdue` when the process ends with work unfinished
/// because `drain_seconds` are over.
void serve(const ServeConfig& config, const ServeContext& context, const fs::path& model_directory, Stream stream,
           const std::function<void(const ServeSummary&)>& ready, const std::function<void()>& overdue = {});

}  // namespace maru::server
