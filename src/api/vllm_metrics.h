// What vLLM's servers count, under its names and with its buckets, so that dashboards made for them show this one too.
// They stand beside Maru's own series, of the same events.
#pragma once
#include <prometheus/registry.h>

#include <cstdint>
#include <string>

#include "infer/engine.h"

namespace maru::api {

/// The series of one model, with the labels `model_name` and `engine`.
class VllmMetrics {
 public:
  VllmMetrics(prometheus::Registry& registry, const std::string& model);
  void first_token(double seconds);
  void next_token(double seconds);
  void step(int64_t tokens);
  /// Not by two threads at once.
  void set(const infer::EngineStats& stats);

 private:
  prometheus::Gauge& gauge(const char* name, const char* help);
  prometheus::Counter& counter(const char* name, const char* help);

  prometheus::Registry& registry_;
  const prometheus::Labels labels_;
  prometheus::Gauge &running_, &waiting_, &cache_usage_, &old_cache_usage_;
  prometheus::Counter &queries_, &hits_, &preemptions_, &prompt_tokens_, &generated_tokens_;
  prometheus::Histogram &first_token_, &per_token_, &inter_token_, &step_tokens_;
};

}  // namespace maru::api
