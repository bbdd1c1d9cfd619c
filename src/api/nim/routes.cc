#include "api/nim/routes.h"

#include <utility>

#include "base/json.h"

namespace maru::api::nim {
namespace {

/// `why` not, or "".
http::Response health(const char* word, const std::string& why) {
  const Json body{{"object", "health.response"}, {"message", why.empty() ? word : why}, {word, why.empty()}};
  return {.status = why.empty() ? 200 : 503, .body = body.dump()};
}

}  // namespace

void add_routes(http::Router& router, Operations operations) {
  router.add({.pattern = "/v1/health/live",
              .handler = [](const http::Request&, const http::Wake&) { return http::Reply{health("live", "")}; },
              .access = http::Access::kOpen,
              .cost = http::Cost::kQuick,
              .doc = "200 while the process runs"});
  router.add(
      {.pattern = "/v1/health/ready",
       .handler = [why_not = std::move(operations.why_not_ready)](
                      const http::Request&, const http::Wake&) { return http::Reply{health("ready", why_not())}; },
       .access = http::Access::kOpen,
       .cost = http::Cost::kQuick,
       .doc = "200 while requests are taken, 503 while draining or when a weight file was cut or written to"});
  router.add({.pattern = "/v1/metrics",
              .handler =
                  [text = std::move(operations.metrics)](const http::Request&, const http::Wake&) {
                    return http::Reply{
                        http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = text()}};
                  },
              .cost = http::Cost::kQuick,
              .doc = "Prometheus text"});
}

}  // namespace maru::api::nim
