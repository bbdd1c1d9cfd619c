#include "api/jobs/routes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "catalogue/test_home.h"
#include "http/test_request.h"
#include "platform/job_files.h"

namespace maru::api::jobs {
namespace {

using http::Method;
using testing::HasSubstr;

/// Keys are WORKSPACE-SCOPE.
class Keys : public Authenticator {
 public:
  explicit Keys(bool any) : any_(any) {}
  bool has_keys() const override { return any_; }
  std::optional<Principal> principal_of(std::string_view key) const override {
    const size_t dash = key.find('-');
    if (dash == key.npos) return std::nullopt;
    return Principal{.tenant = std::string(key.substr(0, dash)),
                     .key = std::string(key),
                     .scopes = {std::string(key.substr(dash + 1))}};
  }

 private:
  const bool any_;
};

class JobRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::copy("tests/golden/home", at_home_.home.root(), fs::copy_options::recursive);
    fs::create_directories(at_home_.home.root() / "datasets/talks");
    fs::copy_file("tests/golden/home/texts/chat.jsonl", at_home_.home.root() / "datasets/talks/chat.jsonl");
    write_file(at_home_.home.root() / "keys.json", "secret");
    write_file(at_home_.root / "outside.jsonl", "secret");
    make(false);
  }
  void make(bool keys) {
    router_ = std::make_unique<http::Router>(std::make_unique<Keys>(keys));
    add_routes(*router_, store_, at_home_.home.root());
  }
  http::Response ask(Method method, const std::string& target, const Json& body = {}, const std::string& key = "") {
    http::Request request;
    parse_target("/v1/maru/jobs" + target, request).value();
    request.method = method;
    if (!key.empty()) request.headers.emplace_back("authorization", "Bearer " + key);
    if (!body.is_null()) {
      request.headers.emplace_back("content-type", "application/json");
      request.body = body.dump();
    }
    return dispatch(*router_, std::move(request));
  }
  Json get(const std::string& target) { return json_of(ask(Method::kGet, target)); }
  static Json quantize(const std::string& out) {
    return {{"stage", "quantize"}, {"config", {{"model", "small"}, {"out", out}}}};
  }
  std::string make_job(const std::string& out, const std::string& key = "") {
    const http::Response made = ask(Method::kPost, "", quantize(out), key);
    EXPECT_EQ(201, made.status) << made.body;
    return http::json_of(made)["id"];
  }
  void log(const std::string& id, std::string_view text) {
    fs::create_directories(store_.directory_of(id));
    write_file(store_.directory_of(id) / platform::kLogFile, text);
  }
  const catalogue::TestHome at_home_{"job_routes"};
  platform::HomeDatabase home_{at_home_.home.root() / "platform"};
  platform::JobStore store_{home_};
  std::unique_ptr<http::Router> router_;
};

TEST_F(JobRoutesTest, AJobIsMadeShownAndEnded) {
  EXPECT_EQ(0, get("")["total"]);
  EXPECT_FALSE(fs::exists(at_home_.home.root() / "platform")) << "looking makes nothing";
  Json body = quantize("q");
  body["name"] = "first", body["project"] = "p", body["memory_mib"] = 100;
  const http::Response made = ask(Method::kPost, "", body);
  EXPECT_EQ(201, made.status) << made.body;
  const std::string id = http::json_of(made)["id"];
  const Json shown = get("/" + id);
  EXPECT_EQ("created", shown["job"]["state"]);
  EXPECT_EQ("local", shown["job"]["workspace"]);
  EXPECT_EQ("q", shown["config"]["out"]);
  EXPECT_EQ(1u, shown["history"].size());
  EXPECT_TRUE(store_.find(id).demand.memory_limited);
  EXPECT_EQ(409, ask(Method::kPost, "", body).status) << "the name is taken";
  body.erase("name");
  EXPECT_THAT(ask(Method::kPost, "", body).body, HasSubstr("models/q: another job that has not ended makes it"));
  EXPECT_EQ(409, ask(Method::kDelete, "/" + id).status);
  EXPECT_EQ(409, ask(Method::kPost, "/" + id + "/resume").status);
  EXPECT_EQ(400, ask(Method::kPost, "/" + id + "/pause", {{"now", true}}).status);
  EXPECT_EQ("paused", http::json_of(ask(Method::kPost, "/" + id + "/pause", Json::object()))["state"]);
  EXPECT_EQ("resuming", http::json_of(ask(Method::kPost, "/" + id + "/resume"))["state"]);
  EXPECT_EQ("cancelled", http::json_of(ask(Method::kPost, "/" + id + "/cancel"))["state"]);
  EXPECT_EQ(200, ask(Method::kDelete, "/" + id).status);
  EXPECT_EQ(404, ask(Method::kGet, "/" + id).status);
}

TEST_F(JobRoutesTest, WhatIsWrongIsNamed) {
  const std::pair<Json, const char*> kCases[] = {
      {Json::object(), "expected one of: curate"},
      {{{"stage", "tuen"}}, "did you mean"},
      {{{"stage", "quantize"}, {"config", 3}}, "expected an object"},
      {{{"stage", "quantize"}, {"config", {{"model", "none"}, {"out", "q"}}}}, "none"},
      {{{"stage", "quantize"}, {"config", {{"modle", "x"}}}}, "modle"},
      {{{"stage", "quantize"}, {"config", {{"model", "small"}, {"out", "small-int8"}}}}, "exists"},
      {{{"stage", "quantize"}, {"colour", 1}}, "colour"},
      {{{"stage", "quantize"}, {"cores", -1}}, "cores"}};
  for (const auto& [body, expected] : kCases) {
    const http::Response response = ask(Method::kPost, "", body);
    EXPECT_TRUE(response.status >= 400 && response.status < 500) << body << response.status;
    EXPECT_THAT(response.body, HasSubstr(expected)) << body;
    EXPECT_EQ(std::string::npos, response.body.find(at_home_.root.string())) << response.body;
  }
  EXPECT_EQ(404, ask(Method::kGet, "/job-1").status);
  for (const char* bad : {"?state=running", "?limit=0", "?limit=x", "?page=-1", "?limit=9999999999999999999"})
    EXPECT_EQ(400, ask(Method::kGet, bad).status) << bad;
}

// Whoever may ask for jobs may not thereby read or write what lies elsewhere.
TEST_F(JobRoutesTest, NothingLeadsOutOfTheHome) {
  const fs::path home = at_home_.home.root(), outside = at_home_.root / "outside.jsonl";
  fs::create_symlink(outside, home / "datasets/talks/link.jsonl");
  const auto tune = [](const std::string& data) {
    return Json{{"stage", "tune"}, {"config", {{"model", "small"}, {"name", "t"}, {"data", data}}}};
  };
  for (const std::string& path :
       {outside.string(), std::string("/etc/passwd"), std::string("../../outside.jsonl"), std::string("../keys.json"),
        (home / "keys.json").string(), (home / "datasets/../keys.json").string(), std::string("talks/link.jsonl"),
        (home / "nowhere\n/../../outside.jsonl").string(), (home / "platform/platform.db").string(),
        std::string("talks/../../../outside.jsonl"), std::string("a\0b", 3)}) {
    const http::Response response = ask(Method::kPost, "", tune(path));
    EXPECT_EQ(400, response.status) << path;
    EXPECT_THAT(response.body, HasSubstr("no path among its artefacts")) << path << response.body;
  }
  EXPECT_EQ(201, ask(Method::kPost, "", tune("talks/chat.jsonl")).status);
  for (const char* out : {"../q", "/tmp/q", "a/q", "./q"})
    EXPECT_EQ(400, ask(Method::kPost, "", quantize(out)).status) << out;
  const Json import{{"stage", "import"}, {"config", {{"name", "i"}, {"source", "/x\n/../etc"}}}};
  EXPECT_EQ(400, ask(Method::kPost, "", import).status);
  EXPECT_EQ(1, store_.list({}).total);
  // Long texts are none.
  const Json evaluate{{"stage", "evaluate"}, {"config", {{"model", "small"}, {"prompts", {std::string(3000, 'a')}}}}};
  EXPECT_EQ(201, ask(Method::kPost, "", evaluate).status);
}

TEST_F(JobRoutesTest, AWorkspaceSeesItsOwn) {
  make(true);
  const std::string mine = make_job("a", "team-write"), other = make_job("b", "other-write");
  const auto status = [&](Method method, const std::string& target, const std::string& key, const Json& body = {}) {
    return ask(method, target, body, key).status;
  };
  const std::vector<std::pair<Method, std::string>> kAll{{Method::kGet, ""},
                                                         {Method::kGet, "/ID"},
                                                         {Method::kGet, "/ID/log"},
                                                         {Method::kGet, "/ID/metrics"},
                                                         {Method::kPost, "/ID/cancel"},
                                                         {Method::kPost, "/ID/pause"},
                                                         {Method::kPost, "/ID/resume"},
                                                         {Method::kDelete, "/ID"},
                                                         {Method::kPost, ""}};
  for (const auto& [method, pattern] : kAll) {
    std::string target = pattern;
    const bool about_one = target.starts_with("/ID");
    if (about_one) target.replace(0, 3, "/" + other);
    const char* scope = method == Method::kGet ? "read" : "write";
    const char* wrong = method == Method::kGet ? "inference" : "read";
    const Json body = pattern.empty() && method == Method::kPost ? quantize("c") : Json();
    EXPECT_EQ(401, status(method, target, "", body)) << target;
    EXPECT_EQ(403, status(method, target, fmt::format("other-{}", wrong), body)) << target;
    if (!about_one) continue;
    const http::Response strange = ask(method, target, {}, fmt::format("team-{}", scope));
    EXPECT_EQ(404, strange.status) << target;
    std::string none = target;
    none.replace(1, other.size(), "job-0");
    std::string said = ask(method, none, {}, fmt::format("team-{}", scope)).body, expected = strange.body;
    expected.replace(expected.find(other), other.size(), "job-0");
    EXPECT_EQ(expected, said) << "as if it were not there";
  }
  EXPECT_EQ(1, http::json_of(ask(Method::kGet, "", {}, "team-read"))["total"]);
  EXPECT_EQ(0, http::json_of(ask(Method::kGet, "?workspace=other", {}, "team-read"))["total"]);
  EXPECT_EQ(2, http::json_of(ask(Method::kGet, "", {}, "root-*"))["total"]);
  EXPECT_EQ(200, status(Method::kPost, "/" + mine + "/cancel", "root-*"));
}

TEST_F(JobRoutesTest, ALogComesInParts) {
  const std::string id = make_job("q"), text = "one\n가\n\xff" + std::string(600'000, 'x') + "\nlast\n";
  EXPECT_EQ("", get("/" + id + "/log")["text"]) << "nothing has been said yet";
  log(id, text);
  std::string all;
  int parts = 0;
  for (uint64_t offset = 0; offset < text.size(); ++parts) {
    const Json part = get(fmt::format("/{}/log?offset={}", id, offset));
    EXPECT_EQ(text.size(), part["size"]);
    all += part["text"].get<std::string>();
    offset = part["offset"];
  }
  EXPECT_EQ(3, parts);
  EXPECT_EQ("one\n가\n\uFFFD" + text.substr(9), all);
  EXPECT_EQ(400, ask(Method::kGet, "/" + id + "/log?offset=-1").status);
  EXPECT_EQ(400, ask(Method::kGet, "/" + id + "/log?follow=maybe").status);
}

TEST_F(JobRoutesTest, ALogIsFollowedToItsEnd) {
  const std::string id = make_job("q");
  log(id, "one\n");
  http::Request request;
  parse_target("/v1/maru/jobs/" + id + "/log?follow=true", request).value();
  ASSERT_FALSE(router_->admit(request).refusal);
  http::Reply reply = router_->answer(request, [] {});
  auto& stream = std::get<std::unique_ptr<http::EventStream>>(reply.answer);
  std::string got;
  const auto until = [&](const std::string& what) {
    for (int i = 0; i < 1000 && got.find(what) == got.npos; ++i) {
      if (!stream->take(got)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return got.find(what) != got.npos;
  };
  EXPECT_TRUE(until(R"(data: {"text":"one\n","offset":4,"size":4})")) << got;
  log(id, "one\ntwo\n");
  EXPECT_TRUE(until(R"("text":"two\n","offset":8)")) << got;
  store_.cancel(id, "me");
  EXPECT_TRUE(until("event: end\ndata: {\"id\":\"" + id)) << got;
  EXPECT_THAT(got, HasSubstr(R"("state":"cancelled")"));
}

TEST_F(JobRoutesTest, MetricsAreThoseOfTheRun) {
  const Json body{{"stage", "tune"}, {"config", {{"model", "small"}, {"name", "t"}, {"data", "talks/chat.jsonl"}}}};
  const std::string id = http::json_of(ask(Method::kPost, "", body))["id"];
  EXPECT_EQ(0u, get("/" + id + "/metrics")["rows"].size());
  fs::create_directories(at_home_.home.root() / "runs/t");
  write_file(at_home_.home.root() / "runs/t/metrics.jsonl", "{\"step\":1}\n{\"step\":2}\n");
  const Json rows = get("/" + id + "/metrics");
  EXPECT_EQ(2u, rows["rows"].size());
  EXPECT_EQ(0u, get(fmt::format("/{}/metrics?position={}", id, rows["position"].get<std::string>()))["rows"].size());
  EXPECT_EQ(400, ask(Method::kGet, "/" + id + "/metrics?position=x").status);
  EXPECT_EQ(0u, get("/" + make_job("q") + "/metrics")["rows"].size()) << "a stage without any";
}

TEST_F(JobRoutesTest, ListsAreFilteredAndPaged) {
  for (int i = 0; i < 5; ++i) make_job("q" + std::to_string(i));
  const Json page = get("?limit=2&page=2&state=created&stage=quantize");
  EXPECT_EQ(5, page["total"]);
  ASSERT_EQ(2u, page["data"].size());
  EXPECT_EQ(0u, get("?page=99")["data"].size());
  EXPECT_EQ(0, get("?state=active")["total"]);
}

}  // namespace
}  // namespace maru::api::jobs
