#include "api/nim/routes.h"

#include <gtest/gtest.h>

#include "http/auth.h"
#include "http/test_request.h"

namespace maru::api::nim {
namespace {

TEST(NimRoutes, HealthNeedsNoKeyAndSaysWhyNot) {
  http::Router router{std::make_unique<http::ApiKeys>(std::vector<std::string>{"secret"})};
  std::string why;
  add_routes(router, {.why_not_ready = [&why] { return why; }, .metrics = [] { return "maru_up 1\n"; }});
  const auto check = [&](const char* target) {
    const http::Response response = http::get(router, target);
    return std::pair(response.status, http::json_of(response));
  };
  const Json live{{"object", "health.response"}, {"message", "live"}, {"live", true}};
  EXPECT_EQ(std::pair(200, live), check("/v1/health/live"));
  EXPECT_EQ(std::pair(200, Json{{"object", "health.response"}, {"message", "ready"}, {"ready", true}}),
            check("/v1/health/ready"));
  why = "draining";
  EXPECT_EQ(std::pair(503, Json{{"object", "health.response"}, {"message", "draining"}, {"ready", false}}),
            check("/v1/health/ready"));
  EXPECT_EQ(std::pair(200, live), check("/v1/health/live")) << "a process that drains lives";
  EXPECT_EQ(401, http::get(router, "/v1/metrics").status);
  const http::Response metrics =
      dispatch(router, http::make(http::Method::kGet, "/v1/metrics", {{"authorization", "Bearer secret"}}));
  EXPECT_EQ("maru_up 1\n", metrics.body);
  EXPECT_TRUE(metrics.content_type.starts_with("text/plain; version=0.0.4")) << metrics.content_type;
}

}  // namespace
}  // namespace maru::api::nim
