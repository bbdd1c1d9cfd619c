#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

#include "api/vllm_metrics.h"

namespace maru::api {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets kRequestSeconds{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640};
const Buckets kFirstTokenSeconds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                 1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  320, 640};
const Buckets kTokenSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10};
const Buckets kStepTokens{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

}  // namespace

class Metrics::Engine : public infer::EngineObserver {
 public:
  Engine(prometheus::Registry& registry, const std::string& model)
      : registry_(registry), labels_{{"model", model}}, vllm_(registry, model) {}

  void first_token(double seconds) override {
    first_token_.Observe(seconds);
    vllm_.first_token(seconds);
  }
  void next_token(double seconds) override {
    next_token_.Observe(seconds);
    vllm_.next_token(seconds);
  }
  void step(int64_t tokens, double seconds) override {
    vllm_.step(tokens);
    step_tokens_.Observe(static_cast<double>(tokens));
    step_seconds_.Observe(seconds);
  }
  void ended(const infer::EndedChoice& choice) override {
    const infer::ChoiceTimes& times = choice.times;
    vllm_.ended(choice);
    queue_seconds_.Observe(seconds_between(times.submitted, times.started));
    prefill_seconds_.Observe(seconds_between(times.started, times.first_token));
    decode_seconds_.Observe(seconds_between(times.first_token, times.ended));
  }
  /// Not by two threads at once.
  void set(const infer::EngineStats& stats) {
    vllm_.set(stats);
    raise_to(prompt_tokens_, stats.prompt_tokens);
    raise_to(generated_tokens_, stats.generated_tokens);
    raise_to(reused_tokens_, stats.reused_tokens);
    raise_to(drafted_tokens_, stats.drafted_tokens);
    raise_to(accepted_tokens_, stats.accepted_tokens);
    raise_to(preemptions_, stats.preemptions);
    running_.Set(static_cast<double>(stats.running));
    waiting_.Set(static_cast<double>(stats.waiting));
    pages_.Set(static_cast<double>(stats.pages));
    pages_used_.Set(static_cast<double>(stats.pages_used));
    pages_known_.Set(static_cast<double>(stats.pages_known));
    tenants_.Set(static_cast<double>(stats.tenants));
  }

 private:
  prometheus::Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels_, buckets);
  }
  prometheus::Histogram& phase(const char* name) {
    prometheus::Labels labels = labels_;
    labels["phase"] = name;
    return prometheus::BuildHistogram()
        .Name("maru_choice_phase_seconds")
        .Help("How long a choice waited, its prompt was computed, its answer was written")
        .Register(registry_)
        .Add(labels, kRequestSeconds);
  }
  prometheus::Counter& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels_);
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels_);
  }

  prometheus::Registry& registry_;
  const prometheus::Labels labels_;
  VllmMetrics vllm_;
  prometheus::Histogram& first_token_ = histogram("maru_time_to_first_token_seconds",
                                                  "From submission to the first token of a choice", kFirstTokenSeconds);
  prometheus::Histogram& next_token_ =
      histogram("maru_inter_token_seconds", "Between two tokens of a choice", kTokenSeconds);
  prometheus::Histogram& step_seconds_ = histogram("maru_step_seconds", "One step of the engine", kTokenSeconds);
  prometheus::Histogram& step_tokens_ =
      histogram("maru_step_tokens", "Tokens computed in one step, all requests together", kStepTokens);
  prometheus::Histogram& queue_seconds_ = phase("queue");
  prometheus::Histogram& prefill_seconds_ = phase("prefill");
  prometheus::Histogram& decode_seconds_ = phase("decode");
  prometheus::Counter& prompt_tokens_ = counter("maru_prompt_tokens_total", "Tokens of admitted prompts");
  prometheus::Counter& generated_tokens_ = counter("maru_generated_tokens_total", "Tokens sampled");
  prometheus::Counter& reused_tokens_ =
      counter("maru_reused_tokens_total", "Tokens of prompts that had been computed before");
  prometheus::Counter& drafted_tokens_ = counter("maru_drafted_tokens_total", "Tokens guessed");
  prometheus::Counter& accepted_tokens_ = counter("maru_accepted_tokens_total", "Tokens guessed right");
  prometheus::Counter& preemptions_ =
      counter("maru_preemptions_total", "Times that a choice lost its pages and was computed again");
  prometheus::Gauge& running_ = gauge("maru_choices_running", "Choices that hold key-value pages");
  prometheus::Gauge& waiting_ = gauge("maru_choices_waiting", "Choices that wait for a place");
  prometheus::Gauge& pages_ = gauge("maru_kv_pages", "Key-value pages in all");
  prometheus::Gauge& pages_used_ = gauge("maru_kv_pages_used", "Key-value pages in use");
  prometheus::Gauge& pages_known_ = gauge("maru_kv_pages_known", "Full key-value pages that may be used again");
  prometheus::Gauge& tenants_ = gauge("maru_tenants", "Tenants with choices, or ahead of those that wait");
};

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("maru_http_requests_total").Help("Requests answered").Register(registry);
  prometheus::Family<prometheus::Histogram>& request_seconds =
      prometheus::BuildHistogram()
          .Name("maru_http_request_seconds")
          .Help("From a whole request to the end of its answer")
          .Register(registry);
  prometheus::Gauge& connections = gauge("maru_http_connections", "Open connections");
  prometheus::Gauge& queued = gauge("maru_http_requests_queued", "Requests that wait for a worker");
  prometheus::Family<prometheus::Counter>& spans = prometheus::BuildCounter()
                                                       .Name("maru_trace_spans_total")
                                                       .Help("Spans of traces, by what became of them")
                                                       .Register(registry);
  prometheus::Family<prometheus::Gauge>& choices =
      prometheus::BuildGauge().Name("maru_key_choices").Help("Choices of a key that run or wait").Register(registry);
  prometheus::Family<prometheus::Counter>& files =
      prometheus::BuildCounter()
          .Name("maru_files_total")
          .Help("What became of the store of files: commits, blobs removed")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& file_bytes = prometheus::BuildCounter()
                                                            .Name("maru_files_received_bytes_total")
                                                            .Help("Bytes of files that clients brought")
                                                            .Register(registry);
  std::mutex mutex;  // guards what follows
  std::map<std::string, Engine> engines;

  prometheus::Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
};

Metrics::Metrics(const std::string& version, const std::string& isa) : state_(std::make_unique<State>()) {
  prometheus::BuildGauge()
      .Name("maru_build_info")
      .Help("What runs here; always 1")
      .Register(state_->registry)
      .Add({{"version", version}, {"isa", isa}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::exchange(const http::Exchange& exchange) {
  const std::string route = exchange.route.empty() ? "other" : std::string(exchange.route);
  const std::string method(name_of(exchange.method));
  state_->requests.Add({{"route", route}, {"method", method}, {"code", std::to_string(exchange.status)}}).Increment();
  state_->request_seconds.Add({{"route", route}}, kRequestSeconds).Observe(exchange.seconds);
}

infer::EngineObserver* Metrics::observer_of(const std::string& model) {
  std::lock_guard lock(state_->mutex);
  return &state_->engines.try_emplace(model, state_->registry, model).first->second;
}

void Metrics::set_spans(int64_t sent, int64_t dropped) {
  std::lock_guard lock(state_->mutex);
  raise_to(state_->spans.Add({{"outcome", "sent"}}), sent);
  raise_to(state_->spans.Add({{"outcome", "dropped"}}), dropped);
}

void Metrics::set_files(const platform::FileStore::Counts& counts) {
  const std::lock_guard lock(state_->mutex);
  raise_to(state_->files.Add({{"event", "commit"}}), counts.commits);
  raise_to(state_->files.Add({{"event", "collected"}}), counts.collected_blobs);
  raise_to(state_->file_bytes.Add({}), counts.received_bytes);
}

void Metrics::set_choices(const std::map<std::string, int64_t>& by_key) {
  std::lock_guard lock(state_->mutex);
  for (const auto& [key, choices] : by_key) state_->choices.Add({{"key", key}}).Set(static_cast<double>(choices));
}

std::string Metrics::text(const serving::ModelHost& models, int64_t connections, int64_t queued) {
  std::lock_guard lock(state_->mutex);
  for (const auto& [model, stats] : models.stats_by_model())
    if (const auto engine = state_->engines.find(model); engine != state_->engines.end()) engine->second.set(stats);
  state_->connections.Set(static_cast<double>(connections));
  state_->queued.Set(static_cast<double>(queued));
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace maru::api
