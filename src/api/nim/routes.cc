#include "api/nim/routes.h"

#include <utility>

#include "api/nim/license.h"
#include "base/hash.h"
#include "base/json.h"

namespace maru::api::nim {
namespace {

constexpr const char* kApiVersion = "1.0.0";  // of NIM's routes that these are

/// `why` not, or "".
http::Response health(const char* word, const std::string& why) {
  const Json body{{"object", "health.response"}, {"message", why.empty() ? word : why}, {word, why.empty()}};
  return {.status = why.empty() ? 200 : 503, .body = body.dump()};
}

Json metadata(const Operations& operations) {
  Json models = Json::array();
  for (const std::string& id : operations.models()) models.push_back(Json{{"shortName", id}});
  const std::string_view license = license_text();
  return {{"version", operations.version},
          {"modelInfo", std::move(models)},
          {"assetInfo", Json::array()},
          {"licenseInfo",
           {{"name", "LICENSE"}, {"path", "/v1/license"}, {"sha", sha256_hex(license)}, {"size", license.size()}}},
          {"repository_override", ""},
          {"selectedModelProfileId", ""}};
}

/// What anybody may ask; whether the server takes requests, for those who know one probe only.
void add_probes(http::Router& router, const std::function<std::string()>& why_not) {
  const auto add = [&](const char* pattern, http::Handler handler, const char* doc) {
    router.add({.pattern = pattern,
                .handler = std::move(handler),
                .access = http::Access::kOpen,
                .cost = http::Cost::kQuick,
                .doc = doc});
  };
  const auto ready = [why_not](const http::Request&, const http::Wake&) {
    return http::Reply{health("ready", why_not())};
  };
  add(
      "/v1/health/live", [](const http::Request&, const http::Wake&) { return http::Reply{health("live", "")}; },
      "200 while the process runs");
  add("/v1/health/ready", ready,
      "200 while requests are taken, 503 while draining or when a weight file was cut or written to");
  add("/health", ready, "as /v1/health/ready, where vLLM has it");
  add("/ping", ready, "as /v1/health/ready, where SageMaker asks");
}

}  // namespace

void add_routes(http::Router& router, const Operations& operations) {
  add_probes(router, operations.why_not_ready);
  const auto add = [&](const char* pattern, auto make, const char* doc) {
    router.add({.pattern = pattern,
                .handler = [operations, make](const http::Request&,
                                              const http::Wake&) { return http::Reply{make(operations)}; },
                .cost = http::Cost::kQuick,
                .doc = doc});
  };
  const auto metrics = [](const Operations& o) {
    return http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = o.metrics()};
  };
  const auto json = [](const Json& body) { return http::Response{.body = body.dump()}; };
  add("/v1/metrics", metrics, "Prometheus text");
  add("/metrics", metrics, "as /v1/metrics, where Prometheus looks");
  add(
      "/v1/version",
      [json](const Operations& o) {
        return json({{"release", o.version}, {"api", kApiVersion}});
      },
      "the version of this program");
  add(
      "/version",
      [json](const Operations& o) {
        return json({{"version", o.version}});
      },
      "the same, where vLLM has it");
  add(
      "/v1/metadata", [json](const Operations& o) { return json(metadata(o)); }, "what runs here, and its licence");
  add(
      "/v1/license",
      [](const Operations&) {
        return http::Response{.content_type = "text/plain; charset=utf-8", .body = std::string(license_text())};
      },
      "the licence of this program");
}

}  // namespace maru::api::nim
