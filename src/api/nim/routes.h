// What operators ask: health, metrics and what runs here, as NVIDIA NIM answers it (/v1/health/live, /v1/health/ready,
// /v1/metrics, /v1/version, /v1/metadata, /v1/license), and the probes of vLLM, SageMaker and Prometheus (/health,
// /ping, /version, /metrics).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "http/router.h"

namespace maru::api::nim {

/// Asked on a network thread: must be short.
struct Operations {
  std::function<std::string()> why_not_ready;        // empty: ready
  std::function<std::string()> metrics;              // Prometheus text
  std::string version;                               // of this program
  std::function<std::vector<std::string>()> models;  // by name
};

void add_routes(http::Router& router, const Operations& operations);

}  // namespace maru::api::nim
