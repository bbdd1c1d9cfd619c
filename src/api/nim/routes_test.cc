#include "api/nim/routes.h"

#include <gtest/gtest.h>

#include "api/nim/license.h"
#include "base/hash.h"
#include "http/auth.h"
#include "http/test_request.h"

namespace maru::api::nim {
namespace {

class NimRoutes : public testing::Test {
 protected:
  void SetUp() override {
    add_routes(router_, {.why_not_ready = [this] { return why_; },
                         .metrics = [] { return "maru_up 1\n"; },
                         .version = "1.2.3",
                         .models =
                             [] {
                               return std::vector<std::string>{"tiny", "small"};
                             }});
  }
  std::pair<int, Json> health(const char* target) const {
    const http::Response response = http::get(router_, target);
    return {response.status, http::json_of(response)};
  }
  http::Response with_key(const char* path) const {
    return dispatch(router_, http::make(http::Method::kGet, path, {{"authorization", "Bearer secret"}}));
  }
  std::string why_;
  http::Router router_{std::make_unique<http::ApiKeys>(std::vector<std::string>{"secret"})};
};

TEST_F(NimRoutes, HealthNeedsNoKeyAndSaysWhyNot) {
  const Json live{{"object", "health.response"}, {"message", "live"}, {"live", true}};
  const Json ready{{"object", "health.response"}, {"message", "ready"}, {"ready", true}};
  EXPECT_EQ(std::pair(200, live), health("/v1/health/live"));
  for (const char* probe : {"/v1/health/ready", "/health", "/ping"}) EXPECT_EQ(std::pair(200, ready), health(probe));
  why_ = "draining";
  const Json draining{{"object", "health.response"}, {"message", "draining"}, {"ready", false}};
  for (const char* probe : {"/v1/health/ready", "/health", "/ping"}) EXPECT_EQ(std::pair(503, draining), health(probe));
  EXPECT_EQ(std::pair(200, live), health("/v1/health/live")) << "a process that drains lives";
}

TEST_F(NimRoutes, WhatRunsHereNeedsAKey) {
  for (const char* path : {"/v1/metrics", "/metrics", "/v1/version", "/version", "/v1/metadata", "/v1/license"}) {
    EXPECT_EQ(401, http::get(router_, path).status) << path;
    EXPECT_EQ(200, with_key(path).status) << path;
  }
  for (const char* path : {"/v1/metrics", "/metrics"}) {
    EXPECT_EQ("maru_up 1\n", with_key(path).body);
    EXPECT_TRUE(with_key(path).content_type.starts_with("text/plain; version=0.0.4"));
  }
  EXPECT_EQ((Json{{"release", "1.2.3"}, {"api", "1.0.0"}}), http::json_of(with_key("/v1/version")));
  EXPECT_EQ((Json{{"version", "1.2.3"}}), http::json_of(with_key("/version")));
}

TEST_F(NimRoutes, MetadataNamesModelsAndLicence) {
  const Json metadata = http::json_of(with_key("/v1/metadata"));
  EXPECT_EQ("1.2.3", metadata["version"]);
  EXPECT_EQ("tiny", metadata["modelInfo"][0]["shortName"]);
  EXPECT_EQ(2u, metadata["modelInfo"].size());
  const http::Response license = with_key("/v1/license");
  EXPECT_NE(std::string::npos, license.body.find("Apache License"));
  EXPECT_NE(std::string::npos, license.body.find("END OF TERMS AND CONDITIONS"));
  EXPECT_EQ(license_text(), license.body);
  EXPECT_EQ(sha256_hex(license.body), metadata["licenseInfo"]["sha"]);
}

}  // namespace
}  // namespace maru::api::nim
