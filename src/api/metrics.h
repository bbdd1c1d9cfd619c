// What the server counts, as Prometheus text. Thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "http/server.h"
#include "platform/file_store.h"
#include "serving/model_host.h"

namespace maru::api {

class Metrics {
 public:
  Metrics(const std::string& version, const std::string& isa);
  ~Metrics();

  void exchange(const http::Exchange& exchange);
  /// Who an engine tells what happens; its series carry the label `model`. Lives as long as this.
  infer::EngineObserver* observer_of(const std::string& model);

  /// Of traces, since the start; where they are sent anywhere.
  void set_spans(int64_t sent, int64_t dropped);
  /// Of keys by name, running and waiting.
  void set_choices(const std::map<std::string, int64_t>& by_key);
  /// Of the store of files, since the start; where there is one.
  void set_files(const platform::FileStore::Counts& counts);
  /// The exposition format, version 0.0.4. Totals and gauges are read from the models.
  std::string text(const serving::ModelHost& models, int64_t connections, int64_t queued);

 private:
  class Engine;  // the series of one model
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::api
