// What the server counts, as Prometheus text. Thread-safe.
#pragma once
#include <memory>
#include <string>

#include "infer/engine.h"
#include "server/http_server.h"

namespace maru::server {

class Metrics : public infer::EngineObserver {
 public:
  Metrics(const std::string& version, const std::string& isa, const std::string& model);
  ~Metrics() override;

  void exchange(const Exchange& exchange);
  void first_token(double seconds) override;
  void next_token(double seconds) override;
  void step(int64_t tokens, double seconds) override;

  /// The exposition format, version 0.0.4. Gauges are set from the arguments.
  std::string text(const infer::EngineStats& stats, int64_t connections, int64_t queued);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::server
