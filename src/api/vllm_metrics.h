// What vLLM's servers count, under its names and with its buckets, so that dashboards made for them show this one too.
// They stand beside Maru's own series, of the same events.
#pragma once
#include <prometheus/registry.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "infer/engine.h"

namespace maru::api {

/// 0 where one of them has not happened.
double seconds_between(infer::ChoiceTimes::Clock::time_point from, infer::ChoiceTimes::Clock::time_point to);

/// A counter that mirrors a total counted elsewhere.
void raise_to(prometheus::Counter& counter, int64_t total);

/// The series of one model, with the labels `model_name` and `engine`.
class VllmMetrics {
 public:
  VllmMetrics(prometheus::Registry& registry, const std::string& model);
  void first_token(double seconds);
  void next_token(double seconds);
  void step(int64_t tokens);
  void ended(const infer::EndedChoice& choice);
  /// Not by two threads at once.
  void set(const infer::EngineStats& stats);

 private:
  prometheus::Gauge& gauge(const char* name, const char* help);
  prometheus::Counter& counter(const char* name, const char* help);
  prometheus::Histogram& seconds(const char* name, const char* help);
  prometheus::Histogram& tokens(const char* name, const char* help);
  prometheus::Counter& finished(const char* reason);

  prometheus::Registry& registry_;
  const prometheus::Labels labels_;
  prometheus::Gauge &running_, &waiting_, &cache_usage_, &old_cache_usage_;
  prometheus::Counter &queries_, &hits_, &preemptions_, &prompt_tokens_, &generated_tokens_;
  prometheus::Histogram &first_token_, &per_token_, &inter_token_, &step_tokens_;
  prometheus::Histogram &latency_, &queue_, &prefill_, &decode_, &inference_;
  prometheus::Histogram &request_prompt_, &request_generated_, &request_most_, &request_wanted_;
  prometheus::Counter &stopped_, &cut_;
};

}  // namespace maru::api
