// A workspace's files are nobody else's: not to read, to list, to guess or to have by their hash.
#include <fmt/format.h>

#include <map>
#include <set>

#include "api/hub/names.h"
#include "api/hub/test_hub.h"
#include "base/random.h"

namespace maru::api::hub {
namespace {

using http::Method;
using testing::HasSubstr;

/// A key says of itself what it may do: "team", "team:read", "team:*".
class Named : public Authenticator {
 public:
  bool has_keys() const override { return true; }
  std::optional<Principal> principal_of(std::string_view key) const override {
    const size_t colon = key.find(':');
    Principal principal{.tenant = std::string(key.substr(0, colon)), .key = "key " + std::string(key), .scopes = {}};
    if (colon == key.npos)
      principal.scopes = {"read", "write"};
    else
      principal.scopes = {std::string(key.substr(colon + 1))};
    return principal;
  }
};

class IsolationTest : public HubTest {
 protected:
  IsolationTest() : HubTest(std::make_unique<Named>()) {}
  http::Response as(const std::string& key, Method method, const std::string& target, const std::string& body = "") {
    return send(method, "/v1/hf" + target, body, {{"authorization", "Bearer " + key}});
  }
  http::Response make(const std::string& key, const std::string& space, const std::string& name = "talks") {
    const Json body{{"name", name}, {"organization", space}, {"type", "dataset"}};
    return as(key, Method::kPost, "/api/repos/create", body.dump());
  }
  http::Response commit_as(const std::string& key, const std::string& space, const std::string& lines) {
    return as(key, Method::kPost, "/api/datasets/" + space + "/talks/commit/main", header() + lines);
  }
  static std::string by_hash(const std::string& oid, size_t size) {
    return line("lfsFile", {{"path", "stolen"}, {"algo", "sha256"}, {"oid", oid}, {"size", size}});
  }
  /// The answer for one object.
  Json ask(const std::string& key, const std::string& space, const char* operation, const std::string& oid,
           size_t size) {
    const Json body{{"operation", operation}, {"objects", {{{"oid", oid}, {"size", size}}}}};
    const http::Response response =
        as(key, Method::kPost, "/datasets/" + space + "/talks.git/info/lfs/objects/batch", body.dump());
    return response.status == 200 ? http::json_of(response)["objects"][0] : Json{{"status", response.status}};
  }
  static std::string path_of(const Json& action) {
    return action["href"].get<std::string>().substr(std::string_view("http://maru.lan/v1/hf").size());
  }
};

/// What each route is asked with, so that it would do its work.
std::string body_for(const std::string& pattern) {
  if (pattern.ends_with("/batch")) return Json{{"operation", "download"}, {"objects", Json::array()}}.dump();
  if (pattern.ends_with("/verify")) return Json{{"oid", sha256_hex("kept")}, {"size", 4}}.dump();
  if (pattern.find("/preupload/") != pattern.npos) return Json{{"files", Json::array()}}.dump();
  if (pattern.find("/paths-info/") != pattern.npos) return Json{{"paths", {"a"}}}.dump();
  if (pattern.find("/commit/") != pattern.npos) return "{\"key\":\"header\",\"value\":{\"summary\":\"s\"}}\n";
  return "{}";
}

std::string filled(std::string pattern, const std::string& space) {
  const std::pair<const char*, std::string> kValues[] = {
      {"{space}", space},      {"{name}", "talks"}, {"{revision}", "main"},
      {"{revision*}", "main"}, {"{name*}", "x"},    {"{path*}", pattern.find("/tree/") == pattern.npos ? "a" : "d"}};
  for (const auto& [hole, value] : kValues)
    for (size_t at; (at = pattern.find(hole)) != pattern.npos;)
      pattern.replace(at, std::string_view(hole).size(), value);
  return pattern;
}

TEST_F(IsolationTest, EveryRouteKnowsItsKeysWorkspaceAlone) {
  for (const char* kind : {"datasets", "models"}) store_.repositories().create({kind, "team", "talks"}, "me");
  ASSERT_EQ(200, commit_as("team", "team", file("a", "kept") + file("d/x", "kept")).status);
  int routes = 0;
  for (const http::Route& route : router_.routes()) {
    if (route.pattern.find("{space}") == route.pattern.npos) continue;
    ++routes;
    const auto ask = [&](const std::string& key, const std::string& space) {
      http::Headers headers;
      if (!key.empty()) headers.emplace_back("authorization", "Bearer " + key);
      return send(route.method, filled(route.pattern, space), body_for(route.pattern), std::move(headers));
    };
    EXPECT_EQ(401, ask("", "team").status) << route.pattern;
    EXPECT_EQ(403, ask("team:inference", "team").status) << route.pattern;
    if (route.scope == "write") {
      EXPECT_EQ(403, ask("team:read", "team").status) << route.pattern;
    }
    const http::Response own = ask("team", "team"), there = ask("other", "team"), nowhere = ask("other", "absent");
    if (own.status == 501) continue;  // refused by name, whoever asks
    const bool of_models = route.pattern.find("datasets") == route.pattern.npos;
    EXPECT_EQ(own.status, ask("boss:*", "team").status) << route.pattern;
    EXPECT_TRUE(own.status == 200 || of_models) << own.status << " " << route.pattern << own.body;
    EXPECT_EQ(404, there.status) << route.pattern;
    EXPECT_EQ("RepoNotFound", header_of(there, "X-Error-Code")) << route.pattern;
    std::string expected = nowhere.body;
    for (size_t at; (at = expected.find("absent")) != expected.npos;) expected.replace(at, 6, "team");
    EXPECT_EQ(expected, there.body) << route.pattern;
  }
  EXPECT_GE(routes, 20);
}

TEST_F(IsolationTest, RepositoriesAreMadeListedAndDeletedAtHome) {
  EXPECT_EQ(200, make("team", "team").status);
  EXPECT_EQ(403, make("other", "team").status);
  EXPECT_EQ(403, make("other", "absent").status) << "and whether it is there is not told";
  EXPECT_EQ(200, make("boss:*", "third").status);
  const auto ids = [&](const std::string& key, const std::string& query = "") {
    std::set<std::string> all;
    for (const Json& one : http::json_of(as(key, Method::kGet, "/api/datasets" + query))) all.insert(one["id"]);
    return all;
  };
  EXPECT_EQ((std::set<std::string>{"team/talks"}), ids("team"));
  EXPECT_EQ((std::set<std::string>{}), ids("other"));
  EXPECT_EQ((std::set<std::string>{}), ids("other", "?author=team"));
  EXPECT_EQ((std::set<std::string>{}), ids("other", "?search=talks"));
  EXPECT_EQ((std::set<std::string>{"team/talks", "third/talks"}), ids("boss:*"));
  const std::string body = Json{{"name", "talks"}, {"organization", "team"}, {"type", "dataset"}}.dump();
  EXPECT_EQ(404, as("other", Method::kDelete, "/api/repos/delete", body).status);
  EXPECT_EQ(200, as("team", Method::kDelete, "/api/repos/delete", body).status);
  EXPECT_EQ(404, as("boss:*", Method::kDelete, "/api/repos/delete", body).status);
}

TEST_F(IsolationTest, AKeyWithoutAWorkspaceHasNoFiles) {
  const http::Response refused = as("-x", Method::kPost, "/api/repos/create", R"({"name": "m"})");
  EXPECT_EQ(400, refused.status);
  EXPECT_THAT(refused.body, HasSubstr("this key is of no workspace"));
  EXPECT_EQ("[]", as("-x", Method::kGet, "/api/models").body);
  const http::Response mine = as("-1:*", Method::kPost, "/api/repos/create", R"({"name": "m"})");
  EXPECT_EQ("local/m", http::json_of(mine)["url"]) << "an operator's is local";
}

// Who knows a hash must bring the bytes, and does not learn whether somebody else has.
TEST_F(IsolationTest, AHashIsNoKeyToTheBytes) {
  for (const char* space : {"team", "other"}) make(space, space);
  const std::string secret = "the salaries", oid = sha256_hex(secret), none = sha256_hex("nobody's");
  ASSERT_EQ(200, commit_as("team", "team", file("pay.csv", secret)).status);
  EXPECT_FALSE(ask("team", "team", "upload", oid, 12).contains("actions"))
      << "its own workspace need not bring it again";
  EXPECT_TRUE(ask("other", "other", "upload", oid, 12).contains("actions"));
  EXPECT_TRUE(ask("other", "other", "upload", oid, 13).contains("actions")) << "nor is its size told";
  EXPECT_EQ(404, ask("other", "other", "download", oid, 12)["error"]["code"]);
  const auto without = [](std::string text, const std::string& hash) {
    for (size_t at; (at = text.find(hash)) != text.npos;) text.replace(at, hash.size(), "HASH");
    return text;
  };
  const http::Response stolen = commit_as("other", "other", by_hash(oid, 12)),
                       guessed = commit_as("other", "other", by_hash(none, 12));
  EXPECT_EQ(400, stolen.status);
  EXPECT_EQ(without(guessed.body, none), without(stolen.body, oid));
  const std::string verify = "/datasets/other/talks.git/info/lfs/objects/verify";
  EXPECT_EQ(404, as("other", Method::kPost, verify, Json{{"oid", oid}, {"size", 12}}.dump()).status);

  const Json upload = ask("other", "other", "upload", oid, 12)["actions"]["upload"];
  std::string forged = path_of(upload);
  forged.replace(forged.find("workspace=other"), 15, "workspace=third");
  EXPECT_EQ(400, as("other", Method::kPut, forged, secret).status);
  EXPECT_EQ(200, as("other", Method::kPut, path_of(upload), secret).status);
  EXPECT_EQ(200, as("other", Method::kPost, verify, Json{{"oid", oid}, {"size", 12}}.dump()).status);
  EXPECT_EQ(200, commit_as("other", "other", by_hash(oid, 12)).status) << "who has brought it has it";
}

/// Fifty workspaces, each with a secret of its own, and keys that try everything everywhere.
class Strangers {
 public:
  static constexpr int kWorkspaces = 50;
  static std::string space(uint64_t i) { return fmt::format("w{:02}-팀", i); }
  static std::string secret(uint64_t i, uint64_t n) { return fmt::format("secret-{:02}-{}", i, n); }
  /// Whether a text holds what is a workspace's.
  static bool tells_of(const std::string& text, uint64_t i) {
    return text.find(fmt::format("secret-{:02}-", i)) != text.npos;
  }
};

class StrangersTest : public IsolationTest {
 protected:
  struct Try {
    Method method = Method::kGet;
    std::string target, body;
  };
  /// Something that a client can ask of a workspace, with its hash where one is wanted.
  Try any(Random& random, uint64_t to, uint64_t of) {
    const std::string space = url_escape(Strangers::space(to));
    const std::string data = "/api/datasets/" + space + "/talks";
    const std::string known = Strangers::secret(of, random.below(3)), oid = sha256_hex(known);
    const Json objects{{{"oid", oid}, {"size", known.size()}}};
    switch (random.below(11)) {
      case 0: return {Method::kGet, data, ""};
      case 1: return {Method::kGet, data + "/tree/main?recursive=true&expand=true", ""};
      case 2:
        return {Method::kGet, "/datasets/" + space + "/talks/resolve/main/" + Strangers::secret(to, random.below(3)),
                ""};
      case 3: return {Method::kGet, "/api/datasets?author=" + space, ""};
      case 4: return {Method::kGet, "/api/datasets?limit=1000", ""};
      case 5: return {Method::kGet, data + "/commits/main", ""};
      case 6: return {Method::kPost, data + "/commit/main", header("x") + by_hash(oid, known.size())};
      case 7: return {Method::kPost, data + "/commit/main", header("x") + file("mine", "mine")};
      case 8:
        return {Method::kPost, "/datasets/" + space + "/talks.git/info/lfs/objects/batch",
                Json{{"operation", random.below(2) == 0 ? "upload" : "download"}, {"objects", objects}}.dump()};
      case 9:
        return {Method::kDelete, "/api/repos/delete",
                Json{{"name", "talks"}, {"organization", Strangers::space(to)}, {"type", "dataset"}}.dump()};
      default: return {Method::kPost, data + "/paths-info/main", Json{{"paths", {Strangers::secret(to, 0)}}}.dump()};
    }
  }
};

TEST_F(StrangersTest, NobodyReadsListsOrGuessesAnothers) {
  for (uint64_t i = 0; i < Strangers::kWorkspaces; ++i) {
    make(Strangers::space(i), Strangers::space(i));
    std::string lines;
    for (uint64_t n = 0; n < 3; ++n) lines += file(Strangers::secret(i, n), Strangers::secret(i, n));
    ASSERT_EQ(200, commit_as(Strangers::space(i), url_escape(Strangers::space(i)), lines).status);
  }
  Random random(11);
  int strange = 0;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t who = random.below(Strangers::kWorkspaces),
                   to = random.below(4) == 0 ? who : random.below(Strangers::kWorkspaces),
                   of = random.below(Strangers::kWorkspaces);
    const Try tried = any(random, to, of);
    if (tried.method == Method::kDelete && who == to) continue;  // its own to delete
    const http::Response response = as(Strangers::space(who), tried.method, tried.target, tried.body);
    const bool lists = tried.target.starts_with("/api/datasets?");
    if (who != to && !lists) {
      EXPECT_EQ(404, response.status) << tried.target << response.body;
      ++strange;
    }
    for (uint64_t other = 0; other < Strangers::kWorkspaces; ++other) {
      if (other == who) continue;
      ASSERT_FALSE(Strangers::tells_of(response.body, other))
          << who << " of " << other << ": " << tried.target << response.body;
      const bool names_it = response.body.find(Strangers::space(other)) != response.body.npos;
      ASSERT_FALSE(names_it && other != to) << tried.target << response.body;
    }
    const bool takes = who == to && of != who && tried.body.find("lfsFile") != tried.body.npos;
    ASSERT_TRUE(!takes || response.status == 400) << "bytes of " << of << " by their hash";
  }
  EXPECT_GT(strange, 1000);
  for (uint64_t i = 0; i < Strangers::kWorkspaces; ++i)
    EXPECT_EQ(Strangers::secret(i, 1),
              as(Strangers::space(i), Method::kGet,
                 "/datasets/" + url_escape(Strangers::space(i)) + "/talks/resolve/main/" + Strangers::secret(i, 1))
                  .body);
}

}  // namespace
}  // namespace maru::api::hub
