#include <gmock/gmock.h>
#include <unistd.h>

#include <set>

#include "api/tenants/routes.h"
#include "base/json.h"
#include "http/auth.h"
#include "http/test_request.h"
#include "platform/keys.h"
#include "platform/members.h"
#include "platform/workspaces.h"

namespace maru::api::tenants {
namespace {

using http::Method;
using platform::HomeDatabase;
using platform::HomeKeys;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Keys of the home, which outlives the router.
class Shared : public Authenticator {
 public:
  explicit Shared(const HomeKeys& keys) : keys_(keys) {}
  bool has_keys() const override { return keys_.has_keys(); }
  std::optional<Principal> principal_of(std::string_view key) const override { return keys_.principal_of(key); }

 private:
  const HomeKeys& keys_;
};

class TenantRoutesTest : public testing::Test {
 protected:
  TenantRoutesTest() : router_(std::make_unique<Shared>(keys_)) {
    add_workspace_routes(router_, home_, keys_);
    add_key_routes(router_, home_, keys_);
    add_audit_routes(router_, home_);
    add_secret_routes(router_, home_, {});
    add_usage_routes(router_, home_, metering_);
  }
  ~TenantRoutesTest() override { fs::remove_all(root_); }

  http::Response ask(Method method, const std::string& target, const std::string& key = "",
                     const std::string& body = "") {
    http::Request request;
    http::parse_target("/v1/maru" + target, request).value();
    request.method = method;
    request.body = body;
    if (!key.empty()) request.headers = {{"authorization", "Bearer " + key}};
    return http::dispatch(router_, std::move(request));
  }
  Json post(const std::string& target, const Json& body, const std::string& key = "") {
    const http::Response response = ask(Method::kPost, target, key, body.dump());
    EXPECT_EQ(200, response.status) << response.body;
    return http::json_of(response);
  }
  std::vector<std::string> all(const std::string& target, const char* field, const std::string& key = "") {
    std::vector<std::string> values;
    const Json answer = http::json_of(ask(Method::kGet, target, key));
    for (const Json& one : answer.at("data")) values.push_back(one.at(field));
    return values;
  }
  /// Two workspaces, an operator, and in each an admin and a reader.
  void populate() {
    for (const char* name : {"a", "b"}) post("/workspaces", {{"name", name}});
    for (const char* name : {"a", "b"}) {
      const std::string at = std::string("/workspaces/") + name;
      if (boss_.empty()) boss_ = post("/workspaces/local/keys", {{"name", "boss"}, {"scopes", {"*"}}}).at("key");
      admin_[name] = post(at + "/keys", {{"name", "admin"}, {"scopes", {"read", "write", "admin"}}}, boss_).at("key");
      reader_[name] = post(at + "/keys", {{"name", "reader"}, {"scopes", {"read"}}}, boss_).at("key");
      post(at + "/projects", {{"name", "p"}}, boss_);
    }
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_tenant_routes_" + std::to_string(::getpid()));
  HomeDatabase home_{root_};
  HomeKeys keys_{home_};
  platform::Metering metering_{home_};
  http::Router router_;
  std::string boss_;
  std::map<std::string, std::string> admin_, reader_;
};

TEST_F(TenantRoutesTest, TheFirstKeyClosesTheServer) {
  EXPECT_THAT(all("/workspaces", "name"), ElementsAre("local"));
  const http::Response made = ask(Method::kPost, "/workspaces/local/keys", "", R"({"name": "boss", "scopes": ["*"]})");
  EXPECT_EQ(200, made.status);
  bool stored = true;
  for (const auto& [name, value] : made.headers) stored &= !(name == "Cache-Control" && value == "no-store");
  EXPECT_FALSE(stored);
  const std::string key = http::json_of(made).at("key");
  EXPECT_EQ(401, ask(Method::kGet, "/workspaces").status);
  EXPECT_THAT(all("/workspaces", "name", key), ElementsAre("local"));
  EXPECT_THAT(ask(Method::kGet, "/workspaces/local/keys", key).body, Not(HasSubstr(key.substr(13))));
}

TEST_F(TenantRoutesTest, AnAdminRunsTheirWorkspaceAndNoOther) {
  populate();
  EXPECT_THAT(all("/workspaces", "name", admin_["a"]), ElementsAre("a"));
  EXPECT_THAT(all("/workspaces", "name", boss_), ElementsAre("a", "b", "local"));
  EXPECT_THAT(all("/workspaces/a/projects", "name", reader_["a"]), ElementsAre("p"));
  EXPECT_EQ(200, ask(Method::kPut, "/workspaces/a/members/service/ci", admin_["a"], R"({"role": "viewer"})").status);
  EXPECT_THAT(all("/workspaces/a/members", "name", reader_["a"]), ElementsAre("admin", "ci", "reader"));
  const std::string key =
      post("/workspaces/a/keys", {{"name", "k"}, {"member", "ci"}, {"scopes", {"read"}}, {"project", "p"}}, admin_["a"])
          .at("key");
  EXPECT_EQ(200, ask(Method::kGet, "/workspaces/a", key).status) << "it holds at once";
  const std::string next = post("/workspaces/a/keys/k/rotate", {{"overlap_seconds", 60}}, admin_["a"]).at("key");
  for (const std::string* one : {&key, &next}) EXPECT_EQ(200, ask(Method::kGet, "/workspaces/a", *one).status);
  EXPECT_EQ(200, ask(Method::kDelete, "/workspaces/a/keys/k", admin_["a"]).status);
  for (const std::string* one : {&key, &next}) EXPECT_EQ(401, ask(Method::kGet, "/workspaces/a", *one).status);
  EXPECT_EQ(404, ask(Method::kDelete, "/workspaces/a/keys/k", admin_["a"]).status);
  EXPECT_EQ(200, ask(Method::kDelete, "/workspaces/a/members/service/reader", admin_["a"]).status);
  EXPECT_EQ(401, ask(Method::kGet, "/workspaces/a", reader_["a"]).status);
  EXPECT_EQ(403, ask(Method::kPost, "/workspaces", admin_["a"], R"({"name": "c"})").status) << "the operator's to make";
  EXPECT_EQ(403, ask(Method::kDelete, "/workspaces/a", admin_["a"]).status);
  EXPECT_EQ(200, ask(Method::kDelete, "/workspaces/a", boss_).status);
  EXPECT_EQ(401, ask(Method::kGet, "/workspaces", admin_["a"]).status);
}

TEST_F(TenantRoutesTest, WhatIsWrongIsSaid) {
  populate();
  const auto status = [&](const std::string& target, const Json& body) {
    return ask(Method::kPost, target, admin_["a"], body.dump()).status;
  };
  EXPECT_EQ(409, status("/workspaces/a/keys", {{"name", "reader"}, {"scopes", {"read"}}}));
  EXPECT_EQ(409, status("/workspaces/a/projects", {{"name", "p"}}));
  EXPECT_EQ(400, status("/workspaces/a/keys", {{"name", "x"}, {"scopes", {"inference"}}}));
  EXPECT_EQ(400, status("/workspaces/a/keys", {{"name", "x"}, {"scopes", {"*"}}}));
  EXPECT_EQ(400, status("/workspaces/a/keys", {{"name", "x"}, {"scopes", {"root"}}}));
  EXPECT_EQ(400, status("/workspaces/a/keys", {{"name", "../x"}, {"scopes", {"read"}}}));
  EXPECT_EQ(404, status("/workspaces/a/keys", {{"name", "x"}, {"scopes", {"read"}}, {"project", "q"}}));
  EXPECT_EQ(400, status("/workspaces/a/keys/reader/rotate", {{"overlap_seconds", -1}}));
  EXPECT_EQ(400, ask(Method::kGet, "/workspaces?limit=x", boss_).status);
  EXPECT_EQ(400, ask(Method::kGet, "/audit?format=xml", boss_).status);
  EXPECT_EQ(400, ask(Method::kPut, "/workspaces/a/members/robot/x", admin_["a"], R"({"role": "viewer"})").status);
}

// Every route: without a key, with the wrong scope, and with the key of another workspace, for which there is no
// telling whether the workspace is there.
TEST_F(TenantRoutesTest, StrangersFindNothing) {
  populate();
  const std::map<std::string, std::string> kBodies{{"/projects", R"({"name": "n"})"},
                                                   {"/keys", R"({"name": "n", "scopes": ["read"]})"},
                                                   {"/secrets", R"({"name": "n", "value": "v"})"},
                                                   {"/secrets/{name}", R"({"value": "v"})"},
                                                   {"/{kind}/{name}", R"({"role": "viewer"})"}};
  const auto filled = [](std::string pattern, const std::string& workspace) {
    for (const auto& [hole, value] : {std::pair<std::string, std::string>{"{workspace}", workspace},
                                      {"{project}", "p"},
                                      {"{kind}", "service"},
                                      {"{name}", "reader"}})
      for (size_t at; (at = pattern.find(hole)) != pattern.npos;) pattern.replace(at, hole.size(), value);
    return pattern.substr(std::string_view("/v1/maru").size());
  };
  int routes = 0;
  for (const http::Route& route : router_.routes()) {
    std::string body = "{}";
    for (const auto& [end, one] : kBodies)
      if (route.pattern.ends_with(end)) body = one;
    const auto send = [&](const std::string& key, const std::string& workspace) {
      return ask(route.method, filled(route.pattern, workspace), key, body);
    };
    EXPECT_EQ(401, send("", "b").status) << route.pattern;
    EXPECT_EQ(401, send("maru-" + std::string(64, '0'), "b").status) << route.pattern;
    if (route.scope != "read") {
      EXPECT_EQ(403, send(reader_["b"], "b").status) << route.pattern;
    }
    if (route.pattern.find("{workspace}") == route.pattern.npos || route.scope == "*") continue;
    ++routes;
    const http::Response there = send(admin_["a"], "b"), nowhere = send(admin_["a"], "c");
    EXPECT_EQ(404, there.status) << route.pattern;
    std::string expected = nowhere.body;
    if (const size_t at = expected.find("\\\"c\\\""); at != expected.npos) expected.replace(at + 2, 1, "b");
    EXPECT_EQ(expected, there.body) << route.pattern;
  }
  EXPECT_GE(routes, 18);
  EXPECT_THAT(all("/workspaces/b/members", "name", boss_), ElementsAre("admin", "reader")) << "nothing has happened";
}

TEST_F(TenantRoutesTest, SecretsAreToldToAdminsAndThatIsKept) {
  populate();
  const Json secret{{"name", "hub"}, {"value", "hf_secret"}};
  EXPECT_FALSE(post("/workspaces/a/secrets", secret, admin_["a"]).contains("value"));
  EXPECT_THAT(ask(Method::kGet, "/workspaces/a/secrets", admin_["a"]).body, Not(HasSubstr("hf_secret")));
  EXPECT_EQ(403, ask(Method::kGet, "/workspaces/a/secrets", reader_["a"]).status);
  EXPECT_EQ(403, ask(Method::kGet, "/workspaces/a/secrets/hub", reader_["a"]).status);
  EXPECT_EQ(404, ask(Method::kGet, "/workspaces/a/secrets/hub", admin_["b"]).status);
  const http::Response told = ask(Method::kGet, "/workspaces/a/secrets/hub", admin_["a"]);
  EXPECT_EQ("hf_secret", http::json_of(told)["value"]);
  EXPECT_THAT(told.headers, testing::Contains(std::pair<std::string, std::string>("Cache-Control", "no-store")));
  EXPECT_EQ(200, ask(Method::kPut, "/workspaces/a/secrets/hub", admin_["a"], R"({"value": "next"})").status);
  EXPECT_EQ("next", http::json_of(ask(Method::kGet, "/workspaces/a/secrets/hub", admin_["a"]))["value"]);
  EXPECT_EQ(409, ask(Method::kPost, "/workspaces/a/secrets", admin_["a"], secret.dump()).status);
  EXPECT_EQ(200, ask(Method::kDelete, "/workspaces/a/secrets/hub", admin_["a"]).status);
  const std::vector<std::string> actions = all("/audit", "action", admin_["a"]);
  EXPECT_EQ(2, std::count(actions.begin(), actions.end(), "secret.read"));
}

TEST_F(TenantRoutesTest, UsageIsOfTheOwnWorkspace) {
  populate();
  for (const char* workspace : {"a", "b", "a"})
    metering_.add({.workspace = workspace, .key = "=key", .model = "m", .input_tokens = 3, .output_tokens = 4});
  metering_.flush();
  EXPECT_EQ(2u, all("/usage", "id", admin_["a"]).size());
  EXPECT_EQ(3u, all("/usage", "id", boss_).size());
  EXPECT_EQ(1u, all("/usage?workspace=b", "id", boss_).size());
  EXPECT_EQ(404, ask(Method::kGet, "/usage?workspace=b", admin_["a"]).status);
  const Json page = http::json_of(ask(Method::kGet, "/usage?limit=1", admin_["a"]));
  http::Response next =
      ask(Method::kGet, "/usage?after=" + page["next"].get<std::string>().replace(20, 1, "%20"), admin_["a"]);
  EXPECT_EQ(1u, http::json_of(next)["data"].size());
  const Json days = http::json_of(ask(Method::kGet, "/usage/days", admin_["a"]));
  EXPECT_EQ(2, days["data"][0]["requests"]);
  EXPECT_EQ(8, days["data"][0]["output_tokens"]);
  const http::Response csv = ask(Method::kGet, "/usage/days?format=csv", admin_["a"]);
  EXPECT_THAT(csv.body, HasSubstr(",a,,\"'=key\",m,,2,6,0,8,0,"));
  EXPECT_EQ(400, ask(Method::kGet, "/usage?from=yesterday", admin_["a"]).status);
  EXPECT_THAT(ask(Method::kGet, "/usage/metrics", boss_).body,
              HasSubstr("maru_workspace_tokens_total{workspace=\"a\",kind=\"output\"} 8\n"));
}

TEST_F(TenantRoutesTest, QuotasAreSetFromAbove) {
  populate();
  const std::string quota = R"({"tokens_per_day": 100})";
  EXPECT_EQ(403, ask(Method::kPut, "/workspaces/a/quota", admin_["a"], quota).status) << "nobody raises their own";
  EXPECT_EQ(200, ask(Method::kPut, "/workspaces/a/quota", boss_, quota).status);
  EXPECT_EQ(100, http::json_of(ask(Method::kGet, "/workspaces/a/quota", reader_["a"]))["tokens_per_day"]);
  EXPECT_EQ(200, ask(Method::kPut, "/workspaces/a/projects/p/quota", admin_["a"], quota).status);
  EXPECT_EQ(404, ask(Method::kPut, "/workspaces/a/projects/q/quota", admin_["a"], quota).status);
  EXPECT_EQ(400, ask(Method::kPut, "/workspaces/a/quota", boss_, R"({"tokens_per_day": -1})").status);
  EXPECT_EQ(0, http::json_of(ask(Method::kGet, "/workspaces/b/quota", boss_))["tokens_per_day"]);
}

TEST_F(TenantRoutesTest, TheAuditIsReadByThoseItIsOf) {
  populate();
  EXPECT_THAT(all("/audit", "action", admin_["a"]), ElementsAre("workspace.create", "member.add", "key.create",
                                                                "member.add", "key.create", "project.create"));
  EXPECT_EQ(14u, all("/audit", "action", boss_).size());
  EXPECT_EQ(6u, all("/audit?workspace=b", "action", boss_).size());
  EXPECT_EQ(404, ask(Method::kGet, "/audit?workspace=b", admin_["a"]).status);
  const http::Response lines = ask(Method::kGet, "/audit?format=jsonl&after=1&limit=2", boss_);
  EXPECT_EQ("application/x-ndjson", lines.content_type);
  EXPECT_EQ(2, std::count(lines.body.begin(), lines.body.end(), '\n'));
  const Json page = http::json_of(ask(Method::kGet, "/audit?limit=2", admin_["a"]));
  EXPECT_EQ(2, page["next"]);
  EXPECT_FALSE(page["data"][0].contains("hash")) << "which would tell of others";
  EXPECT_EQ("member.add key.create", [&] {
    const std::vector<std::string> next = all("/audit?after=3&limit=2", "action", admin_["a"]);
    return next.at(0) + " " + next.at(1);
  }());
}

}  // namespace
}  // namespace maru::api::tenants
