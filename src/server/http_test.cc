#include "server/http.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "server/api_error.h"
#include "server/http_auth.h"
#include "server/http_router.h"

namespace maru::server {
namespace {

Request make(Method method, std::string path, Headers headers = {}) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

Response dispatch(const Router& router, Request request) {
  Admission admission = router.admit(request);
  Reply reply = admission.refusal ? std::move(*admission.refusal) : router.answer(request, [] {});
  Response response = std::get<Response>(std::move(reply.answer));
  for (auto& header : reply.headers) response.headers.push_back(header);
  return response;
}

Json error_of(const Response& response) { return parse_json(response.body, "body").value()["error"]; }

Router sample_router(std::vector<std::string> keys = {}, std::vector<std::string> cors = {}) {
  Router router{ApiKeys(keys), std::move(cors)};
  router.add({.pattern = "/v1/things/{id}/parts", .handler = [](const Request& r, const Wake&) {
                return Reply{Response{.body = "id=" + r.arguments.at(0)}};
              }});
  router.add({.method = Method::kPost, .pattern = "/v1/things", .handler = [](const Request&, const Wake&) -> Reply {
                throw Failure(ErrorCode::kExhausted, "the shelf is full");
              }});
  router.add({.pattern = "/open",
              .handler = [](const Request&, const Wake&) { return Reply{Response{.body = "hi"}}; },
              .access = Access::kOpen});
  return router;
}

TEST(ParseTarget, SplitsAndDecodes) {
  Request request;
  ASSERT_TRUE(parse_target("/a%20b/%ED%95%9C?after=3&q=x+y%26&flag", request).ok());
  EXPECT_EQ(request.path, "/a b/한");
  EXPECT_EQ(request.parameter("after"), "3");
  EXPECT_EQ(request.parameter("q"), "x y&");
  EXPECT_EQ(request.query.size(), 3u);
  EXPECT_EQ(request.parameter("absent"), "");
}

TEST(ParseTarget, AcceptsTheAbsoluteForm) {
  Request request;
  ASSERT_TRUE(parse_target("http://host:80/v1/models?x=1", request).ok());
  EXPECT_EQ(request.path, "/v1/models");
  Request bare;
  ASSERT_TRUE(parse_target("http://host", bare).ok());
  EXPECT_EQ(bare.path, "/");
}

TEST(ParseTarget, RefusesBadBytes) {
  for (const char* target : {"", "v1", "/%", "/%4", "/%zz", "/a?b=%0", "/%00"}) {
    Request request;
    EXPECT_FALSE(parse_target(target, request).ok()) << target;
  }
}

TEST(Router, MatchesArgumentsAndHead) {
  const Router router = sample_router();
  EXPECT_EQ(dispatch(router, make(Method::kGet, "/v1/things/7/parts")).body, "id=7");
  EXPECT_EQ(dispatch(router, make(Method::kHead, "/v1/things/7/parts")).status, 200);
  for (const char* path : {"/v1/things//parts", "/v1/things/7/parts/", "/v1/things/7", "/v1/things/7/8/parts", "/"})
    EXPECT_EQ(dispatch(router, make(Method::kGet, path)).status, 404) << path;
}

TEST(Router, SaysWhatAPathAllows) {
  const Router router = sample_router();
  const Response wrong = dispatch(router, make(Method::kDelete, "/v1/things"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(find_header(wrong.headers, "allow"), "POST, OPTIONS");
  EXPECT_EQ(error_of(wrong)["code"], "method_not_allowed");
  const Response options = dispatch(router, make(Method::kOptions, "/open"));
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(find_header(options.headers, "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(dispatch(router, make(Method::kOptions, "/nowhere")).status, 404);
}

TEST(Router, TurnsExceptionsIntoErrors) {
  const Response full = dispatch(sample_router(), make(Method::kPost, "/v1/things"));
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(find_header(full.headers, "Retry-After"), "1");
  EXPECT_EQ(error_of(full)["message"], "the shelf is full");
  EXPECT_EQ(error_of(full)["type"], "rate_limit_error");
  EXPECT_TRUE(error_of(full)["param"].is_null());
}

TEST(Router, AsksForAKeyWhereTheRouteDoes) {
  const Router router = sample_router({"first-key", "second-key"});
  const auto status = [&](std::string value) {
    return dispatch(router, make(Method::kGet, "/v1/things/7/parts", {{"authorization", std::move(value)}})).status;
  };
  EXPECT_EQ(status("Bearer second-key"), 200);
  EXPECT_EQ(status("bearer  first-key "), 200);
  for (const char* bad : {"Bearer first-kez", "Bearer first-ke", "Bearer ", "Bearer", "Basic first-key", "first-key"})
    EXPECT_EQ(status(bad), 401) << bad;
  const Response missing = dispatch(router, make(Method::kGet, "/v1/things/7/parts"));
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(error_of(missing)["code"], "invalid_api_key");
  EXPECT_EQ(dispatch(router, make(Method::kGet, "/open")).status, 200);
}

TEST(Router, SendsCorsOnlyToListedOrigins) {
  const Headers from{{"origin", "https://a.example"}, {"access-control-request-headers", "x-custom"}};
  EXPECT_EQ(
      find_header(dispatch(sample_router(), make(Method::kGet, "/open", from)).headers, "access-control-allow-origin"),
      "");
  const Router listed = sample_router({}, {"https://a.example"});
  const Response preflight = dispatch(listed, make(Method::kOptions, "/open", from));
  EXPECT_EQ(find_header(preflight.headers, "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(find_header(preflight.headers, "Access-Control-Allow-Headers"), "x-custom");
  const Response other = dispatch(listed, make(Method::kGet, "/open", {{"origin", "https://b.example"}}));
  EXPECT_EQ(find_header(other.headers, "Access-Control-Allow-Origin"), "");
}

TEST(Router, RevalidatesAssets) {
  const Asset asset{"/app.js", "text/javascript", "let x;", "abc"};
  Router router{ApiKeys()};
  router.add_assets({&asset, 1});
  const Response fresh = dispatch(router, make(Method::kGet, "/app.js"));
  EXPECT_EQ(fresh.body, "let x;");
  EXPECT_EQ(find_header(fresh.headers, "ETag"), "\"abc\"");
  EXPECT_EQ(dispatch(router, make(Method::kGet, "/app.js", {{"if-none-match", "\"abc\""}})).status, 304);
  EXPECT_EQ(dispatch(router, make(Method::kGet, "/app.js", {{"if-none-match", "\"abd\""}})).status, 200);
}

TEST(ApiKeys, ReadsAKeyFile) {
  EXPECT_EQ(parse_keys("# keys\n\n alpha \r\nbeta"), (std::vector<std::string>{"alpha", "beta"}));
  EXPECT_THROW(ApiKeys({""}), Failure);
  EXPECT_THROW(ApiKeys({"has space"}), Failure);
}

TEST(ApiError, HasOpenAiShape) {
  EXPECT_EQ(
      error_body({.message = "bad \"x\"\xff", .param = "top_p", .code = "c"}),
      "{\"error\":{\"message\":\"bad \\\"x\\\"\xEF\xBF\xBD\",\"type\":\"invalid_request_error\",\"param\":\"top_p\","
      "\"code\":\"c\"}}");
}

}  // namespace
}  // namespace maru::server
