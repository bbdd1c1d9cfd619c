#include "api/keys.h"

#include <unistd.h>

#include <set>

#include "api/test_server.h"
#include "base/hash.h"

namespace maru::api {
namespace {

class KeysTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    fs::create_directories(root_);
    config_.keys_file = file_.string();
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(root_);
  }
  static std::string record(const std::string& name, const std::string& more = "") {
    return R"({"name": ")" + name + R"(", "hash": ")" + sha256_hex(name + "-key") + "\"" + more + "}";
  }
  void write(const std::string& records) {
    AtomicFile file(file_, 0600);
    file.write("{\"keys\": [" + records + "]}");
    file.commit();
  }
  static std::string with(const std::string& name) { return "Authorization: Bearer " + name + "-key\r\n"; }
  const fs::path root_ = fs::temp_directory_path() / ("maru_api_keys_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "keys.json";
};

TEST_F(KeysTest, ScopesAndModelsLimitAKey) {
  write(record("all", R"(, "scopes": ["*"])") + "," + record("asks", R"(, "scopes": ["inference"])") + "," +
        record("reads", R"(, "scopes": ["read"])") + "," + record("other", R"(, "models": ["else"])"));
  EXPECT_EQ(401, post("/v1/chat/completions", chat()).status);
  EXPECT_EQ(401, post("/v1/chat/completions", chat(), with("nobody")).status);
  EXPECT_EQ(200, post("/v1/chat/completions", chat(), with("all")).status);
  EXPECT_EQ(200, post("/v1/chat/completions", chat(), with("asks")).status);
  EXPECT_EQ(403, get("/v1/metrics", with("asks")).status);
  EXPECT_EQ(200, get("/v1/metrics", with("reads")).status);
  EXPECT_EQ(403, post("/v1/chat/completions", chat(), with("reads")).status);

  const Got refused = post("/v1/chat/completions", chat(), with("other"));
  EXPECT_EQ(404, refused.status);
  EXPECT_EQ("model_not_found", refused.json["error"]["code"]);
  EXPECT_EQ(404, get("/v1/models/tiny", with("other")).status);
  EXPECT_EQ(0u, get("/v1/models", with("other")).json["data"].size());
  EXPECT_EQ(1u, get("/v1/models", with("asks")).json["data"].size());
  const std::string message = R"({"model":"tiny","max_tokens":3,"messages":[{"role":"user","content":"hi"}]})";
  EXPECT_EQ(200, post("/v1/messages", message, "x-api-key: asks-key\r\n").status);
  EXPECT_EQ(404, post("/v1/messages", message, "x-api-key: other-key\r\n").status);
}

http::TestClient& send_object(http::TestClient& client, const std::string& method, const std::string& path) {
  client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  return client;
}

// A path that no guard was written for is how servers are entered without a key.
TEST_F(KeysTest, EveryRouteIsClosedButThoseThatSayWhetherTheServerLives) {
  write(record("a"));
  context_.home = root_;
  port();
  const Json paths = get("/openapi.json", with("a")).json["paths"];
  ASSERT_GT(paths.size(), 8u);
  std::set<std::string> open;
  for (const auto& [path, methods] : paths.items())
    for (const auto& [method, what] : methods.items())
      for (const std::string& spelling : {path, path + "?x=1"}) {
        http::TestClient client(port());
        const Got got = method == "post"     ? post(spelling, "{}")
                        : method == "delete" ? parse(send_object(client, "DELETE", spelling).read_response())
                        : method == "put"    ? parse(send_object(client, "PUT", spelling).read_response())
                                             : get(spelling);
        if (got.status != 401) open.insert(path);
      }
  EXPECT_EQ(
      (std::set<std::string>{"/health", "/ping", "/v1/health/live", "/v1/health/ready", "/v1/hf/lfs/objects/{oid}"}),
      open)
      << "the last by a URL that was signed: src/api/hub/objects.cc";
  for (const char* path : {"//v1/models", "/v1/models/", "/V1/models", "/v1/health/../models",
                           "/v1/health/live/../../x", "/v1%2fmodels", "/%76%31/models"})
    EXPECT_NE(200, get(path).status) << path;
}

// Two headers, or one that two programs read differently, must not be two identities.
TEST_F(KeysTest, AKeyIsReadInOneWay) {
  write(record("a"));
  const auto status = [&](const std::string& more) { return get("/v1/models", more).status; };
  EXPECT_EQ(200, status("authorization: bearer   a-key  \r\n"));
  for (const char* more :
       {"Authorization: Bearer a-key, Bearer b\r\n", "Authorization: Basic a-key\r\n", "Authorization: a-key\r\n",
        "Authorization: Bearer\r\n", "Authorization: Bearer b\r\nAuthorization: Bearer a-key\r\n",
        "X-Forwarded-For: 127.0.0.1\r\n", "X-Authorization: Bearer a-key\r\n", "Cookie: key=a-key\r\n"})
    EXPECT_EQ(401, status(more)) << more;
  EXPECT_EQ(400, status("Authorization : Bearer a-key\r\n")) << "a blank before the colon";
  EXPECT_EQ(400, status("Authorization:\r\n Bearer a-key\r\n")) << "a folded line";
  EXPECT_EQ(431, status("Authorization: Bearer " + std::string(1 << 20, 'x') + "\r\n"));
  EXPECT_EQ(401, status("Authorization: Bearer " + std::string(10'000, 'x') + "\r\n"));
}

TEST_F(KeysTest, AFileOfKeysStandsBesidePlainKeys) {
  write(record("a"));
  context_.api_keys = {"plain"};
  EXPECT_EQ(200, get("/v1/models", with("a")).status);
  EXPECT_EQ(200, get("/v1/models", "Authorization: Bearer plain\r\n").status);
  write("");
  EXPECT_TRUE(http::eventually([&] { return get("/v1/models", with("a")).status == 401; }));
}

TEST_F(KeysTest, WithoutKeysNobodyListensBeyondThisMachine) {
  config_.keys_file.clear();
  config_.http.address = "0.0.0.0";
  EXPECT_THROW(start(), Failure);
  write("");
  config_.keys_file = file_.string();
  EXPECT_EQ(401, get("/v1/models").status) << "a file without keys lets nobody in";
}

}  // namespace
}  // namespace maru::api
