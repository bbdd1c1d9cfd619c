#include "api/hub/names.h"
#include "api/hub/test_hub.h"

namespace maru::api::hub {
namespace {

using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> all_of(const Json& list, const char* field) {
  std::vector<std::string> values;
  for (const Json& one : list) values.push_back(one.at(field));
  return values;
}

TEST_F(HubTest, RepositoriesComeAndGo) {
  const Json body{{"name", "talks"}, {"organization", "team"}, {"type", "dataset"}};
  const http::Response made = post("/api/repos/create", body);
  EXPECT_EQ(200, made.status);
  EXPECT_EQ("http://maru.lan/v1/hf/datasets/team/talks", http::json_of(made)["url"]);
  const http::Response again = post("/api/repos/create", body);
  EXPECT_EQ(409, again.status);
  EXPECT_EQ("http://maru.lan/v1/hf/datasets/team/talks", http::json_of(again)["url"]);
  EXPECT_EQ("datasets team/talks: exists", http::json_of(again)["error"]);
  EXPECT_EQ("local/m", http::json_of(post("/api/repos/create", {{"name", "m"}}))["url"]);
  EXPECT_THAT(all_of(json("/api/datasets"), "id"), ElementsAre("team/talks"));
  EXPECT_THAT(all_of(json("/api/models?author=local&search=m"), "id"), ElementsAre("local/m"));
  EXPECT_TRUE(json("/api/models?search=nothing").empty());
  EXPECT_EQ(200, send(Method::kDelete, "/v1/hf/api/repos/delete", body.dump()).status);
  const http::Response gone = send(Method::kDelete, "/v1/hf/api/repos/delete", body.dump());
  EXPECT_EQ(404, gone.status);
  EXPECT_EQ("RepoNotFound", header_of(gone, "X-Error-Code"));
}

TEST_F(HubTest, AnInfoIsOfARevision) {
  create();
  const std::string one = committed(header("first") + file("b.txt", "1") + file("a/가.txt", "22"));
  const std::string two = committed(header("second") + line("deletedFile", {{"path", "b.txt"}}));
  const Json now = json("/api/datasets/team/talks");
  EXPECT_EQ(now["id"], "team/talks");
  EXPECT_EQ(now["author"], "team");
  EXPECT_EQ(now["sha"], two);
  EXPECT_THAT(all_of(now["siblings"], "rfilename"), ElementsAre("a/가.txt"));
  const Json before = json("/api/datasets/team/talks/revision/" + one + "?blobs=True");
  EXPECT_THAT(all_of(before["siblings"], "rfilename"), ElementsAre("a/가.txt", "b.txt"));
  EXPECT_EQ(before["siblings"][0]["size"], 2);
  EXPECT_EQ(before["siblings"][0]["lfs"]["sha256"], sha256_hex("22"));
  EXPECT_EQ(json("/api/datasets/team/talks/revision/main"), now);
  EXPECT_THAT(all_of(json("/api/datasets/team/talks/commits/main"), "title"),
              ElementsAre("second", "first", "initial commit"));
  EXPECT_THAT(all_of(json("/api/datasets/team/talks/commits/" + one), "title"), ElementsAre("first", "initial commit"));
  const http::Response page = get("/api/datasets/team/talks/commits/main?limit=2&p=1");
  EXPECT_THAT(all_of(http::json_of(page), "title"), ElementsAre("initial commit"));
  EXPECT_EQ("", header_of(page, "Link"));
  EXPECT_THAT(header_of(get("/api/datasets/team/talks/commits/main?limit=2"), "Link"), HasSubstr("?p=1&limit=2>"));
  EXPECT_EQ(json("/api/datasets/team/talks/refs")["branches"][0]["targetCommit"], two);
}

TEST_F(HubTest, WhatIsMissingIsNamedAsClientsKnowIt) {
  create();
  const std::pair<const char*, const char*> kCases[] = {
      {"/api/datasets/team/other", "RepoNotFound"},
      {"/api/models/team/talks", "RepoNotFound"},
      {"/api/models/gpt2", "RepoNotFound"},
      {"/gpt2/resolve/main/config.json", "RepoNotFound"},
      {"/api/datasets/team/talks/revision/v2", "RevisionNotFound"},
      {"/api/datasets/team/talks/revision/refs%2Fpr%2F1", "RevisionNotFound"},
      {"/api/datasets/team/talks/tree/v2", "RevisionNotFound"},
      {"/api/datasets/team/talks/tree/main/nowhere", "EntryNotFound"},
      {"/datasets/team/talks/resolve/main/nowhere", "EntryNotFound"},
      {"/datasets/team/talks/resolve/main/../../../../etc/passwd", "EntryNotFound"},
      {"/datasets/team/talks/resolve/v2/x", "RevisionNotFound"},
      {"/team/talks/resolve/main/x", "RepoNotFound"}};
  for (const auto& [target, code] : kCases) {
    const http::Response response = get(target);
    EXPECT_EQ(404, response.status) << target;
    EXPECT_EQ(code, header_of(response, "X-Error-Code")) << target;
    EXPECT_FALSE(header_of(response, "X-Error-Message").empty());
    EXPECT_FALSE(http::json_of(response)["error"].get<std::string>().empty());
  }
  EXPECT_EQ("RepoNotFound", header_of(commit(header(), "/api/datasets/team/other/commit/main"), "X-Error-Code"));
  EXPECT_EQ("RevisionNotFound", header_of(commit(header(), "/api/datasets/team/talks/commit/dev"), "X-Error-Code"));
}

TEST_F(HubTest, ATreeComesInPages) {
  create();
  committed(header() + file("a-b", "1") + file("a/x", "2") + file("a/y/z", "3") + file("a0", "4") + file("b/1", "5"));
  const std::string tree = "/api/datasets/team/talks/tree/main";
  EXPECT_THAT(all_of(json(tree), "path"), ElementsAre("a-b", "a", "a0", "b"));
  EXPECT_THAT(all_of(json(tree + "/a"), "path"), ElementsAre("a/x", "a/y"));
  EXPECT_THAT(all_of(json(tree + "/a?recursive=True"), "path"), ElementsAre("a/x", "a/y", "a/y/z"));
  const std::vector<std::string> all{"a-b", "a", "a/x", "a/y", "a/y/z", "a0", "b", "b/1"};
  EXPECT_EQ(all_of(json(tree + "?recursive=true"), "path"), all);
  for (const bool recursive : {true, false})
    for (int limit = 1; limit < 7; ++limit) {
      std::vector<std::string> found;
      std::string next = "/v1/hf" + tree + "?recursive=" + (recursive ? "1" : "0") + "&limit=" + std::to_string(limit);
      for (int pages = 0; !next.empty() && pages < 20; ++pages) {
        const http::Response page = send(Method::kGet, next);
        for (const std::string& path : all_of(http::json_of(page), "path")) found.push_back(path);
        const std::string link = header_of(page, "Link");
        next = link.empty() ? "" : link.substr(16, link.find('>') - 16);  // behind "<http://maru.lan"
      }
      EXPECT_EQ(found, recursive ? all : std::vector<std::string>({"a-b", "a", "a0", "b"})) << limit;
    }
  const Json one = json(tree + "/a?expand=true")[0];
  EXPECT_EQ(one["lfs"]["oid"], sha256_hex("2"));
  EXPECT_EQ(one["lfs"]["pointerSize"], 126);
  EXPECT_EQ(one["lastCommit"]["title"], "s");
  EXPECT_EQ(400, get(tree + "?limit=0").status);
  EXPECT_EQ(400, get(tree + "?limit=x").status);
}

TEST_F(HubTest, PathsAreLookedUpByFormAndByJson) {
  create();
  committed(header() + file("a b.txt", "1") + file("d/x", "2") + file("d-x", "3"));
  const std::string target = "/v1/hf/api/datasets/team/talks/paths-info/main";
  const http::Response form = send(Method::kPost, target, "paths=a+b.txt&paths=d&paths=none&paths=d%2Fx&expand=False",
                                   {{"content-type", "application/x-www-form-urlencoded"}});
  EXPECT_THAT(all_of(http::json_of(form), "path"), ElementsAre("a b.txt", "d", "d/x"));
  EXPECT_THAT(all_of(http::json_of(form), "type"), ElementsAre("file", "directory", "file"));
  const http::Response json = send(Method::kPost, target, R"({"paths":["d-x","d/"],"expand":true})");
  EXPECT_THAT(all_of(http::json_of(json), "path"), ElementsAre("d-x", "d"));
  EXPECT_EQ(400,
            send(Method::kPost, target, "paths=%zz", {{"content-type", "application/x-www-form-urlencoded"}}).status);
}

TEST_F(HubTest, FilesAreResolvedWithTheirHash) {
  create();
  const std::string oid = committed(header() + file("가 나.txt", "0123456789"));
  const std::string target = "/v1/hf/datasets/team/talks/resolve/main/%EA%B0%80%20%EB%82%98.txt";
  const http::Response whole = send(Method::kGet, target);
  EXPECT_EQ(200, whole.status);
  EXPECT_EQ("0123456789", whole.body);
  EXPECT_EQ('"' + sha256_hex("0123456789") + '"', header_of(whole, "ETag"));
  EXPECT_EQ(oid, header_of(whole, "X-Repo-Commit"));
  EXPECT_EQ("10", header_of(whole, "X-Linked-Size"));
  const http::Response part = send(Method::kGet, target, "", {{"range", "bytes=2-4"}});
  EXPECT_EQ(206, part.status);
  EXPECT_EQ("234", part.body);
  EXPECT_EQ(304, send(Method::kGet, target, "", {{"if-none-match", header_of(whole, "ETag")}}).status);
  EXPECT_EQ(416, send(Method::kGet, target, "", {{"range", "bytes=10-"}}).status);
  EXPECT_EQ(200, send(Method::kGet, "/v1/hf/datasets/team/talks/resolve/" + oid + "/%EA%B0%80%20%EB%82%98.txt").status);
  fs::remove(store_.blobs().path_of(sha256_hex("0123456789")));
  const http::Response lost = send(Method::kGet, target);
  EXPECT_EQ(500, lost.status);
  EXPECT_THAT(lost.body, HasSubstr("have gone from this server"));
  EXPECT_EQ(lost.body.find(root_.string()), std::string::npos);
}

TEST_F(HubTest, CommitsSayWhereTheyAreRelatively) {
  create();
  const http::Response response = commit(header() + file("a", "1"));
  const Json answer = http::json_of(response);
  EXPECT_EQ(answer["success"], true);
  EXPECT_EQ(answer["commitUrl"], "datasets/team/talks/commit/" + answer["commitOid"].get<std::string>());
  create("talks", "model");
  EXPECT_THAT(http::json_of(commit(header() + file("a", "1"), "/api/models/team/talks/commit/main"))["commitUrl"]
                  .get<std::string>(),
              testing::StartsWith("team/talks/commit/"));
  EXPECT_EQ(head(), committed(header() + file("a", "1"))) << "what changes nothing is no commit";
}

TEST_F(HubTest, WhoBeganAtAnOlderCommitIsTold) {
  create();
  const std::string parent = head();
  const auto with_parent = [&](const std::string& path) {
    return commit(line("header", {{"summary", "s"}, {"parentCommit", parent}}) + file(path, "1"));
  };
  EXPECT_EQ(200, with_parent("a").status);
  const http::Response late = with_parent("b");
  EXPECT_EQ(412, late.status);
  EXPECT_THAT(late.body, HasSubstr(head()));
}

TEST_F(HubTest, SizeSaysHowAFileIsBrought) {
  create();
  const auto modes = [&](const std::vector<int64_t>& sizes) {
    Json files = Json::array();
    for (const int64_t size : sizes) files.push_back({{"path", "f"}, {"size", size}, {"sample", "YQ=="}});
    return all_of(http::json_of(post("/api/datasets/team/talks/preupload/main", {{"files", files}}))["files"],
                  "uploadMode");
  };
  EXPECT_THAT(modes({0, 256 << 20}), ElementsAre("regular", "regular"));
  EXPECT_THAT(modes({(256 << 20) + 1, 5}), ElementsAre("lfs", "regular"));
  EXPECT_THAT(modes({200 << 20, 200 << 20, 50 << 20}), ElementsAre("regular", "lfs", "regular"));
  const http::Response bad =
      post("/api/datasets/team/talks/preupload/main", {{"files", {{{"path", "../x"}, {"size", 1}}}}});
  EXPECT_EQ(400, bad.status);
  EXPECT_THAT(bad.body, HasSubstr("files[0].path"));
}

TEST_F(HubTest, ObjectsComeByAUrlOfTheirOwn) {
  create();
  const std::string bytes = "large", oid = sha256_hex(bytes);
  const std::string batch = "/datasets/team/talks.git/info/lfs/objects/batch";
  const Json ask{{"operation", "upload"},
                 {"transfers", {"basic", "multipart"}},
                 {"objects", {{{"oid", oid}, {"size", bytes.size()}}}},
                 {"hash_algo", "sha256"}};
  const Json offer = http::json_of(post(batch, ask));
  EXPECT_EQ(offer["transfer"], "basic");
  const Json actions = offer["objects"][0]["actions"];
  const auto path_of = [](const Json& action) {
    return action["href"].get<std::string>().substr(std::string_view("http://maru.lan").size());
  };
  const Json verify{{"oid", oid}, {"size", bytes.size()}};
  EXPECT_EQ(404, send(Method::kPost, path_of(actions["verify"]), verify.dump()).status);
  EXPECT_EQ(400, send(Method::kPut, path_of(actions["upload"]), "lorge").status) << "of another hash";
  EXPECT_EQ(400, send(Method::kPut, path_of(actions["upload"]), "larg").status) << "too short";
  EXPECT_FALSE(store_.blobs().find(oid));
  EXPECT_EQ(200, send(Method::kPut, path_of(actions["upload"]), bytes).status);
  EXPECT_EQ(200, send(Method::kPost, path_of(actions["verify"]), verify.dump()).status);
  EXPECT_FALSE(http::json_of(post(batch, ask))["objects"][0].contains("actions")) << "it is here";
  committed(header() + line("lfsFile", {{"path", "l.bin"}, {"algo", "sha256"}, {"oid", oid}, {"size", 5}}));
  EXPECT_EQ(bytes, get("/datasets/team/talks/resolve/main/l.bin").body);

  Json fetch = ask;
  fetch["operation"] = "download";
  const Json download = http::json_of(post(batch, fetch))["objects"][0]["actions"]["download"];
  EXPECT_EQ(bytes, send(Method::kGet, path_of(download)).body);
  create("talks", "model");
  EXPECT_EQ(404, http::json_of(post("/team/talks.git/info/lfs/objects/batch", fetch))["objects"][0]["error"]["code"])
      << "not of this repository";
}

TEST_F(HubTest, AUrlIsGoodForItsObjectAlone) {
  create();
  const std::string oid = sha256_hex("abc"), other = sha256_hex("abd");
  const Json offer = http::json_of(post("/datasets/team/talks.git/info/lfs/objects/batch",
                                        {{"operation", "upload"}, {"objects", {{{"oid", oid}, {"size", 3}}}}}));
  const std::string href = offer["objects"][0]["actions"]["upload"]["href"];
  const std::string path = href.substr(15);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string target = path;
    return target.replace(target.find(from), from.size(), to);
  };
  for (const std::string& target :
       {changed(oid, other), changed("size=3", "size=4"), changed("until=1", "until=9"), changed("signature=", "s="),
        "/v1/hf/lfs/objects/" + oid, std::string("/v1/hf/lfs/objects/..%2f..%2fetc?size=3")})
    EXPECT_NE(200, send(Method::kPut, target, "abc").status) << target;
  EXPECT_EQ(400, send(Method::kGet, path).status) << "to bring it is not to fetch it";
  EXPECT_EQ(200, send(Method::kPut, path, "abc").status);
}

TEST_F(HubTest, WhatIsNotDoneIsRefusedByName) {
  create();
  const std::string repository = "/v1/hf/api/datasets/team/talks";
  const std::pair<Method, std::string> kCases[] = {{Method::kGet, repository + "/xet-write-token/main"},
                                                   {Method::kPost, repository + "/branch/dev"},
                                                   {Method::kPost, repository + "/tag/main"},
                                                   {Method::kPost, repository + "/super-squash/main"},
                                                   {Method::kPut, repository + "/settings"},
                                                   {Method::kPost, "/v1/hf/api/repos/move"}};
  for (const auto& [method, target] : kCases) {
    const http::Response response = send(method, target, "{}");
    EXPECT_EQ(501, response.status) << target;
    EXPECT_FALSE(header_of(response, "X-Error-Message").empty());
  }
  EXPECT_THAT(get("/api/datasets/team/talks/xet-write-token/main").body, HasSubstr("HF_HUB_DISABLE_XET=1"));
  EXPECT_EQ(501, commit(header(), "/api/datasets/team/talks/commit/main?create_pr=1").status);
  const http::Response space = post("/api/repos/create", {{"name", "s"}, {"type", "space"}});
  EXPECT_EQ(400, space.status);
  EXPECT_THAT(space.body, HasSubstr("type: expected model or dataset"));
}

TEST_F(HubTest, CardsAreReadAsYaml) {
  const auto status = [&](const char* text) {
    return post("/api/validate-yaml", {{"content", text}, {"repoType", "dataset"}}).status;
  };
  EXPECT_EQ(200, status("---\nlicense: mit\n---\n# Talks\n"));
  EXPECT_EQ(200, status("# no card\n"));
  EXPECT_EQ(400, status("---\nlicense: [mit\n---\n"));
  const Json answer = http::json_of(post("/api/validate-yaml", {{"content", "---\na: [\n---\n"}}));
  EXPECT_EQ(answer["errors"].size(), 1u);
}

class HubKeysTest : public HubTest {
 protected:
  HubKeysTest() : HubTest(std::make_unique<http::ApiKeys>(std::vector<std::string>{"secret"})) {}
};

TEST_F(HubKeysTest, NothingIsOpenButSignedUrls) {
  for (const http::Route& route : router_.routes()) {
    std::string path = route.pattern;
    for (size_t open; (open = path.find('{')) != path.npos;) path.replace(open, path.find('}') - open + 1, "x");
    const int status = send(route.method, path, "{}").status;
    if (route.access == http::Access::kSigned)
      EXPECT_EQ(400, status) << path;
    else
      EXPECT_EQ(401, status) << path;
  }
  const http::Response response = send(Method::kGet, "/v1/hf/api/whoami-v2");
  EXPECT_EQ("Invalid credentials in Authorization header", header_of(response, "X-Error-Message"));
  EXPECT_EQ(200, send(Method::kGet, "/v1/hf/api/whoami-v2", "", {{"authorization", "Bearer secret"}}).status);
  EXPECT_FALSE(fs::exists(root_)) << "nobody with a key asked for files";
}

/// Knows one key, which may only read.
class OneReader : public Authenticator {
 public:
  bool has_keys() const override { return true; }
  std::optional<Principal> principal_of(std::string_view key) const override {
    return key == "r" ? std::optional(Principal{.tenant = "team", .key = "reader", .scopes = {"read"}}) : std::nullopt;
  }
};

class HubReaderTest : public HubTest {
 protected:
  HubReaderTest() : HubTest(std::make_unique<OneReader>()) {}
};

TEST_F(HubReaderTest, WhoMayReadMayNotWrite) {
  store_.repositories().create({kDatasets, "team", "talks"}, "somebody");
  const http::Headers key{{"authorization", "Bearer r"}};
  const std::string repository = "/v1/hf/api/datasets/team/talks";
  EXPECT_EQ(200, send(Method::kGet, repository, "", key).status);
  EXPECT_EQ("read", http::json_of(send(Method::kGet, "/v1/hf/api/whoami-v2", "", key))["auth"]["accessToken"]["role"]);
  const std::pair<Method, std::string> kCases[] = {{Method::kPost, "/v1/hf/api/repos/create"},
                                                   {Method::kDelete, "/v1/hf/api/repos/delete"},
                                                   {Method::kPost, repository + "/preupload/main"},
                                                   {Method::kPost, repository + "/commit/main"}};
  for (const auto& [method, target] : kCases) EXPECT_EQ(403, send(method, target, "{}", key).status) << target;
  const auto batch = [&](const char* operation) {
    const Json body{{"operation", operation}, {"objects", {{{"oid", sha256_hex("x")}, {"size", 1}}}}};
    return send(Method::kPost, "/v1/hf/datasets/team/talks.git/info/lfs/objects/batch", body.dump(), key).status;
  };
  EXPECT_EQ(403, batch("upload"));
  EXPECT_EQ(200, batch("download"));
}

}  // namespace
}  // namespace maru::api::hub
