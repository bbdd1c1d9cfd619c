// Health and metrics as NVIDIA NIM has them: /v1/health/live, /v1/health/ready, /v1/metrics.
#pragma once
#include <functional>
#include <string>

#include "http/router.h"

namespace maru::api::nim {

/// Asked on a network thread: must be short.
struct Operations {
  std::function<std::string()> why_not_ready;  // empty: ready
  std::function<std::string()> metrics;        // Prometheus text
};

void add_routes(http::Router& router, Operations operations);

}  // namespace maru::api::nim
