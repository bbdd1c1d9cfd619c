#include "api/vllm_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace maru::api {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets kFirstTokenSeconds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                 1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
const Buckets kTokenSeconds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                            0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80};
const Buckets kRequestSeconds{0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                              30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680};
const Buckets kRequestTokens{1,    2,    5,    10,    20,    50,    100,    200,    500,
                             1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000};
const Buckets kStepTokens{1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void raise_to(prometheus::Counter& counter, int64_t total) {
  const double more = static_cast<double>(total) - counter.Value();
  if (more > 0) counter.Increment(more);
}

double seconds_between(infer::ChoiceTimes::Clock::time_point from, infer::ChoiceTimes::Clock::time_point to) {
  constexpr infer::ChoiceTimes::Clock::time_point kNever{};
  return from == kNever || to == kNever ? 0 : std::chrono::duration<double>(to - from).count();
}

VllmMetrics::VllmMetrics(prometheus::Registry& registry, const std::string& model)
    : registry_(registry),
      labels_{{"model_name", model}, {"engine", "0"}},
      running_(gauge("vllm:num_requests_running", "Choices in execution")),
      waiting_(gauge("vllm:num_requests_waiting", "Choices that wait")),
      cache_usage_(gauge("vllm:kv_cache_usage_perc", "Key-value pages in use, 1 is all")),
      old_cache_usage_(gauge("vllm:gpu_cache_usage_perc", "The same under its older name")),
      queries_(counter("vllm:prefix_cache_queries_total", "Tokens looked for in the prefix cache")),
      hits_(counter("vllm:prefix_cache_hits_total", "Tokens found in the prefix cache")),
      preemptions_(counter("vllm:num_preemptions_total", "Choices that lost their pages")),
      prompt_tokens_(counter("vllm:prompt_tokens_total", "Tokens of prompts")),
      generated_tokens_(counter("vllm:generation_tokens_total", "Tokens generated")),
      first_token_(BuildHistogram()
                       .Name("vllm:time_to_first_token_seconds")
                       .Help("From submission to the first token")
                       .Register(registry)
                       .Add(labels_, kFirstTokenSeconds)),
      per_token_(BuildHistogram()
                     .Name("vllm:time_per_output_token_seconds")
                     .Help("Between two tokens")
                     .Register(registry)
                     .Add(labels_, kTokenSeconds)),
      inter_token_(BuildHistogram()
                       .Name("vllm:inter_token_latency_seconds")
                       .Help("The same under its newer name")
                       .Register(registry)
                       .Add(labels_, kTokenSeconds)),
      step_tokens_(BuildHistogram()
                       .Name("vllm:iteration_tokens_total")
                       .Help("Tokens of one step of the engine")
                       .Register(registry)
                       .Add(labels_, kStepTokens)),
      latency_(seconds("vllm:e2e_request_latency_seconds", "From submission to the end")),
      queue_(seconds("vllm:request_queue_time_seconds", "From submission to the first step")),
      prefill_(seconds("vllm:request_prefill_time_seconds", "From the first step to the first token")),
      decode_(seconds("vllm:request_decode_time_seconds", "From the first token to the end")),
      inference_(seconds("vllm:request_inference_time_seconds", "From the first step to the end")),
      request_prompt_(tokens("vllm:request_prompt_tokens", "Tokens of a prompt")),
      request_generated_(tokens("vllm:request_generation_tokens", "Tokens of an answer")),
      request_most_(tokens("vllm:request_max_num_generation_tokens", "The same: each choice counts on its own")),
      request_wanted_(tokens("vllm:request_params_max_tokens", "The most that an answer might have had")),
      stopped_(finished("stop")),
      cut_(finished("length")) {}

prometheus::Gauge& VllmMetrics::gauge(const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry_).Add(labels_);
}

prometheus::Counter& VllmMetrics::counter(const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry_).Add(labels_);
}

prometheus::Histogram& VllmMetrics::seconds(const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels_, kRequestSeconds);
}

prometheus::Histogram& VllmMetrics::tokens(const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels_, kRequestTokens);
}

prometheus::Counter& VllmMetrics::finished(const char* reason) {
  prometheus::Labels labels = labels_;
  labels["finished_reason"] = reason;
  return BuildCounter()
      .Name("vllm:request_success_total")
      .Help("Choices that came to their end, by why")
      .Register(registry_)
      .Add(labels);
}

void VllmMetrics::ended(const infer::EndedChoice& choice) {
  const infer::ChoiceTimes& times = choice.times;
  latency_.Observe(seconds_between(times.submitted, times.ended));
  queue_.Observe(seconds_between(times.submitted, times.started));
  prefill_.Observe(seconds_between(times.started, times.first_token));
  decode_.Observe(seconds_between(times.first_token, times.ended));
  inference_.Observe(seconds_between(times.started, times.ended));
  request_prompt_.Observe(static_cast<double>(choice.prompt_tokens));
  request_generated_.Observe(static_cast<double>(choice.generated_tokens));
  request_most_.Observe(static_cast<double>(choice.generated_tokens));
  request_wanted_.Observe(static_cast<double>(choice.max_tokens));
  (choice.finish == infer::FinishReason::kStop ? stopped_ : cut_).Increment();
}

void VllmMetrics::first_token(double seconds) { first_token_.Observe(seconds); }

void VllmMetrics::next_token(double seconds) {
  per_token_.Observe(seconds);
  inter_token_.Observe(seconds);
}

void VllmMetrics::step(int64_t tokens) { step_tokens_.Observe(static_cast<double>(tokens)); }

void VllmMetrics::set(const infer::EngineStats& stats) {
  running_.Set(static_cast<double>(stats.running));
  waiting_.Set(static_cast<double>(stats.waiting));
  cache_usage_.Set(share(stats.pages_used, stats.pages));
  old_cache_usage_.Set(share(stats.pages_used, stats.pages));
  raise_to(queries_, stats.prompt_tokens);
  raise_to(hits_, stats.reused_tokens);
  raise_to(preemptions_, stats.preemptions);
  raise_to(prompt_tokens_, stats.prompt_tokens);
  raise_to(generated_tokens_, stats.generated_tokens);
}

}  // namespace maru::api
