#include "http/http.h"

#include <gtest/gtest.h>

#include <new>

#include "base/limit_failure.h"
#include "base/storage_full.h"
#include "http/auth.h"
#include "http/dialect.h"
#include "http/test_request.h"

namespace maru::http {
namespace {

Json error_of(const Response& response) { return json_of(response)["error"]; }

Router sample_router(std::vector<std::string> keys = {}, std::vector<std::string> cors = {}) {
  Router router{std::make_unique<ApiKeys>(keys), std::move(cors)};
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

TEST(Router, MatchesTheRestOfAPathAndEndsOfSegments) {
  Router router{std::make_unique<ApiKeys>()};
  const auto arguments = [](const Request& r, const Wake&) {
    std::string all;
    for (const std::string& argument : r.arguments) all += "[" + argument + "]";
    return Reply{Response{.body = all}};
  };
  router.add({.pattern = "/{space}/{name}.git/info", .handler = arguments});
  router.add({.pattern = "/{space}/resolve/{revision}/{path*}", .handler = arguments});
  const auto body = [&](const char* path) {
    const Response response = dispatch(router, make(Method::kGet, path));
    return response.status == 200 ? response.body : std::to_string(response.status);
  };
  EXPECT_EQ("[a][b]", body("/a/b.git/info"));
  EXPECT_EQ("[a][.git]", body("/a/.git.git/info"));
  for (const char* none : {"/a/.git/info", "/a/b/info", "/a/b.git/info/", "/a/b.gitx/info"})
    EXPECT_EQ("404", body(none)) << none;
  EXPECT_EQ("[a][main][x]", body("/a/resolve/main/x"));
  EXPECT_EQ("[a][main][x/y/../z/]", body("/a/resolve/main/x/y/../z/")) << "what it means is the handler's business";
  EXPECT_EQ("[a][main][/]", body("/a/resolve/main//"));
  for (const char* none : {"/a/resolve/main/", "/a/resolve/main", "/a/resolve//x"})
    EXPECT_EQ("404", body(none)) << none;
}

TEST(Router, WhoHasASignedUrlNeedsNoKey) {
  Router router{std::make_unique<ApiKeys>(std::vector<std::string>{"secret"})};
  router.add({.pattern = "/signed",
              .handler = [](const Request&, const Wake&) { return Reply{Response{.body = "hi"}}; },
              .access = Access::kSigned});
  Request request = make(Method::kGet, "/signed");
  EXPECT_EQ(200, dispatch(router, request).status);
  EXPECT_FALSE(router.admit(request).open) << "connections that are kept for health are not for files";
}

TEST(Router, AFullDiskIsNoReasonToTryAgain) {
  Router router{std::make_unique<ApiKeys>()};
  router.add({.pattern = "/full", .handler = [](const Request&, const Wake&) -> Reply {
                throw StorageFull({ErrorCode::kExhausted, "/home/maru/secret.db: cannot write: No space left"});
              }});
  const Response response = dispatch(router, make(Method::kGet, "/full"));
  EXPECT_EQ(507, response.status);
  EXPECT_EQ("storage_full", error_of(response)["code"]);
  EXPECT_EQ(std::string::npos, response.body.find("secret.db"));
  EXPECT_EQ("", find_header(response.headers, "Retry-After"));
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
  Router twice = sample_router();
  for (const char* pattern : {"/files/{name}", "/{folder}/readme"}) twice.add({.pattern = pattern, .handler = {}});
  EXPECT_EQ(find_header(dispatch(twice, make(Method::kOptions, "/files/readme")).headers, "Allow"),
            "GET, HEAD, OPTIONS");
}

TEST(Router, TheGateIsAskedLast) {
  Router router = sample_router({"key"});
  int asked = 0;
  router.set_gate([&](const Request& request) {
    ++asked;
    if (request.path == "/v1/things") throw LimitFailure("too many things", 41.2);
  });
  EXPECT_EQ(401, dispatch(router, make(Method::kPost, "/v1/things")).status);
  EXPECT_EQ(404, dispatch(router, make(Method::kGet, "/nowhere")).status);
  EXPECT_EQ(0, asked) << "who is refused anyway uses nothing up";
  const Response refused = dispatch(router, make(Method::kPost, "/v1/things", {{"authorization", "Bearer key"}}));
  EXPECT_EQ(429, refused.status);
  EXPECT_EQ("42", find_header(refused.headers, "Retry-After")) << "not a moment too early";
  EXPECT_EQ("too many things", error_of(refused)["message"]);
  EXPECT_EQ("nosniff", find_header(refused.headers, "X-Content-Type-Options"));
  EXPECT_EQ(200, dispatch(router, make(Method::kGet, "/open")).status);
}

// A script that cannot read when to come back comes back at once.
TEST(Router, PagesMayReadWhenToComeBack) {
  const Router router = sample_router({}, {"https://friend.example"});
  const Response full = dispatch(
      router,
      make(Method::kPost, "/v1/things", {{"origin", "https://friend.example"}, {"content-type", "application/json"}}));
  EXPECT_EQ(429, full.status);
  EXPECT_NE(std::string_view::npos, find_header(full.headers, "Access-Control-Expose-Headers").find("Retry-After"));
  EXPECT_EQ("",
            find_header(dispatch(router, make(Method::kPost, "/v1/things")).headers, "Access-Control-Expose-Headers"));
}

TEST(Router, TurnsExceptionsIntoErrors) {
  const Response full = dispatch(sample_router(), make(Method::kPost, "/v1/things"));
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(find_header(full.headers, "Retry-After"), "1");
  EXPECT_EQ(error_of(full)["message"], "the shelf is full");
  EXPECT_EQ(error_of(full)["code"], "rate_limit_exceeded");
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
  EXPECT_EQ(find_header(preflight.headers, "Access-Control-Allow-Methods"),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  const Response other = dispatch(listed, make(Method::kGet, "/open", {{"origin", "https://b.example"}}));
  EXPECT_EQ(find_header(other.headers, "Access-Control-Allow-Origin"), "");
}

TEST(Router, RevalidatesAssets) {
  const Asset asset{"/app.js", "text/javascript", "let x;", "abc"};
  Router router{std::make_unique<ApiKeys>()};
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

/// A dialect that differs from the plain one in everything.
const Dialect kOther{.error_body = [](const Problem& problem) { return "other: " + problem.word; },
                     .credential = [](const Request& request) { return request.header("x-key"); },
                     .place_of_key = "'X-Key: KEY'"};

TEST(Router, RefusesInTheRoutesOwnDialect) {
  Router router{std::make_unique<ApiKeys>(std::vector<std::string>{"secret"})};
  router.add({.pattern = "/other",
              .handler = [](const Request&, const Wake&) -> Reply { throw Failure(ErrorCode::kExhausted, "full"); },
              .dialect = &kOther});
  const auto body = [&](Method method, const char* path, Headers headers) {
    return dispatch(router, make(method, path, std::move(headers))).body;
  };
  EXPECT_EQ("other: invalid_api_key", body(Method::kGet, "/other", {}));
  EXPECT_EQ("other: invalid_api_key", body(Method::kGet, "/other", {{"authorization", "Bearer secret"}}));
  EXPECT_EQ("other: rate_limit_exceeded", body(Method::kGet, "/other", {{"x-key", "secret"}}));
  EXPECT_EQ("other: method_not_allowed", body(Method::kPost, "/other", {}));
  EXPECT_NE(std::string::npos, body(Method::kGet, "/nowhere", {}).find("unknown_url"));
}

TEST(Router, AnErrorWithoutMemoryForItsWordsIsStillAnAnswer) {
  const Dialect speechless{.error_body = [](const Problem&) -> std::string { throw std::bad_alloc(); },
                           .credential = bearer_token,
                           .place_of_key = ""};
  Router router{std::make_unique<ApiKeys>()};
  router.add({.pattern = "/full",
              .handler = [](const Request&, const Wake&) -> Reply { throw std::bad_alloc(); },
              .dialect = &speechless});
  const Response response = dispatch(router, make(Method::kGet, "/full"));
  EXPECT_EQ(503, response.status);
  EXPECT_EQ("", response.body);
}

/// Knows one key, which may only read.
class OneReader : public Authenticator {
 public:
  bool has_keys() const override { return true; }
  std::optional<Principal> principal_of(std::string_view key) const override {
    return key == "r" ? std::optional(Principal{.tenant = "t", .key = "key r", .scopes = {"read"}}) : std::nullopt;
  }
};

TEST(Router, AsksForTheScopeOfTheRoute) {
  Router router{std::make_unique<OneReader>()};
  const auto who = [](const Request& r, const Wake&) {
    return Reply{Response{.body = r.principal ? r.principal->tenant + "/" + r.principal->key : "nobody"}};
  };
  router.add({.pattern = "/read", .handler = who});
  router.add({.pattern = "/write", .handler = who, .scope = "write"});
  router.add({.pattern = "/open", .handler = who, .access = Access::kOpen});
  const Headers key{{"authorization", "Bearer r"}};
  EXPECT_EQ("t/key r", dispatch(router, make(Method::kGet, "/read", key)).body);
  const Response refused = dispatch(router, make(Method::kGet, "/write", key));
  EXPECT_EQ(403, refused.status);
  EXPECT_EQ("insufficient_scope", error_of(refused)["code"]);
  EXPECT_EQ("t/key r", dispatch(router, make(Method::kGet, "/open", key)).body) << "known where it need not be";
  EXPECT_EQ("nobody", dispatch(router, make(Method::kGet, "/open")).body);
}

TEST(Request, CountsForItsKeyAndItsAddress) {
  Request request = make(Method::kGet, "/");
  request.peer = "10.0.0.1";
  EXPECT_EQ((std::vector<std::string>{"address 10.0.0.1"}), request.caller().clients);
  request.principal = Principal{.tenant = "t", .key = "key 2"};
  EXPECT_EQ((std::vector<std::string>{"key 2", "address 10.0.0.1"}), request.caller().clients);
  request.local_peer = true;
  EXPECT_EQ((std::vector<std::string>{"key 2"}), request.caller().clients);
}

TEST(Events, MayHaveNames) {
  std::string to;
  append_event(to, "1");
  append_event(to, "2", "end");
  EXPECT_EQ("data: 1\n\nevent: end\ndata: 2\n\n", to);
}

TEST(Warnings, SayTheFirstAndHowManyMore) {
  Reply reply;
  add_warnings(reply, {});
  EXPECT_TRUE(reply.headers.empty());
  add_warnings(reply, {"one"});
  add_warnings(reply, {"one", "two", "three"});
  EXPECT_EQ((Headers{{"X-Maru-Warning", "one"}, {"X-Maru-Warning", "one (and 2 more)"}}), reply.headers);
}

TEST(Problem, KeepsWhatARequestFailureSays) {
  const auto caught = [](auto thrown) {
    try {
      throw thrown;
    } catch (...) {
      return current_problem();
    }
  };
  const Problem problem = caught(RequestFailure(ErrorCode::kNotFound, "no such model", "model", "model_not_found"));
  EXPECT_EQ(404, problem.status);
  EXPECT_EQ("model", problem.field);
  EXPECT_EQ("model_not_found", problem.word);
  EXPECT_EQ("not_found", caught(Failure(ErrorCode::kNotFound, "x")).word);
  EXPECT_EQ("data_loss", caught(Failure(ErrorCode::kDataLoss, "x")).word);
  EXPECT_EQ(503, caught(std::bad_alloc()).status);
  EXPECT_EQ(500, caught(std::runtime_error("x")).status);
}

}  // namespace
}  // namespace maru::http
