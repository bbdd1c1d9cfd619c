// What strangers and bad luck do to a store of files: each is refused by name, and nothing that was there is lost.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "api/hub/test_hub.h"

namespace maru::api::hub {
namespace {

using http::Method;
using testing::HasSubstr;

class HubHostileTest : public HubTest {
 protected:
  HubHostileTest() {
    create();
    kept_ = committed(header() + file("kept/a.txt", "kept"));
  }
  ~HubHostileTest() override {
    EXPECT_EQ(head(), kept_);
    EXPECT_EQ("kept", get("/datasets/team/talks/resolve/main/kept/a.txt").body);
    EXPECT_TRUE(fs::is_empty(root_ / "files/incoming"));
  }
  /// A commit that is refused.
  std::string refusal(const std::string& lines, int status = 400) {
    const http::Response response = commit(lines);
    EXPECT_EQ(status, response.status) << lines.substr(0, 200);
    return http::json_of(response).value("error", "");
  }
  std::string kept_;
};

TEST_F(HubHostileTest, PathsLeadNowhere) {
  for (const char* path : {"/etc/passwd", "../../../../tmp/x", "a/../../x", "a/./b", ".git/hooks/pre-push", "a//b",
                           "a/", "C:\\x", "a\nb", "a\x7f", ""}) {
    EXPECT_THAT(refusal(header() + file("fine.txt", "x") + file(path, "x")), HasSubstr("line 3: value.path")) << path;
    EXPECT_THAT(refusal(header() + line("deletedFile", {{"path", path}})), HasSubstr("value.path")) << path;
  }
  refusal(header() + R"({"key":"file","value":{"content":"","path":"a\u0000b"}})");
  refusal(header() + "{\"key\":\"file\",\"value\":{\"content\":\"\",\"path\":\"a\xff\"}}");
  for (const char* name : {"..", "../x", "a/b", ".", "a..b", "a--b", "-a", "x.git", "api", "datasets", "a\nb", "a b"})
    EXPECT_EQ(400, post("/api/repos/create", {{"name", "n"}, {"organization", name}}).status) << name;
}

TEST_F(HubHostileTest, FilesAndFoldersOfOneNameAreRefused) {
  EXPECT_THAT(refusal(header() + file("kept", "x")), HasSubstr("kept would be a file and a folder at once"));
  EXPECT_THAT(refusal(header() + file("kept/a.txt/b", "x")), HasSubstr("a file and a folder at once"));
  EXPECT_THAT(refusal(header() + file("n/m", "x") + file("n", "x")), HasSubstr("a file and a folder at once"));
}

TEST_F(HubHostileTest, WhatIsNotThereIsNotDeleted) {
  refusal(header() + file("x", "x") + line("deletedFile", {{"path", "nowhere"}}), 404);
  refusal(header() + line("deletedFolder", {{"path", "kep"}}), 404);
  refusal(header() + line("deletedFile", {{"path", "kept"}}), 404);
}

TEST_F(HubHostileTest, BytesThatNobodyBroughtCannotBeHad) {
  const std::string oid = sha256_hex("somebody's secret");
  EXPECT_THAT(refusal(header() + line("lfsFile", {{"path", "x"}, {"algo", "sha256"}, {"oid", oid}, {"size", 17}})),
              HasSubstr("upload them first"));
}

TEST_F(HubHostileTest, AFullDiskIsSaidAndLosesNothing) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 4 << 20;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const http::Response response = commit(header() + file("large", std::string(6 << 20, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(507, response.status);
  EXPECT_EQ("there is no room left on this server's disk", http::json_of(response)["error"]);
  EXPECT_EQ("", header_of(response, "Retry-After"));
}

TEST_F(HubHostileTest, WhoReadsIsNotDisturbedByADeletion) {
  const Json body{{"name", "short-lived"}, {"organization", "team"}, {"type", "dataset"}};
  post("/api/repos/create", body);
  commit(header() + file("a", std::string(100'000, 'r')), "/api/datasets/team/short-lived/commit/main");
  http::Request request;
  http::parse_target("/v1/hf/datasets/team/short-lived/resolve/main/a", request).value();
  ASSERT_FALSE(router_.admit(request).refusal);
  http::Reply reply = router_.answer(request, [] {});
  EXPECT_EQ(200, send(Method::kDelete, "/v1/hf/api/repos/delete", body.dump()).status);
  EXPECT_EQ(1, store_.repositories().collect(std::chrono::seconds(-10)));
  EXPECT_EQ(std::string(100'000, 'r'), http::response_of(reply).body);
  EXPECT_EQ(404, get("/datasets/team/short-lived/resolve/main/a").status);
}

class HubBusyTest : public HubTest {};

TEST_F(HubBusyTest, NamesOfEveryScriptComeBack) {
  const std::vector<std::string> names{"말뭉치/대화 1.jsonl",
                                       "ข้อมูล/ไฟล์.txt",
                                       "العربية/ملف.json",
                                       "हिन्दी/फ़ाइल",
                                       "日本語/ファイル.parquet",
                                       "emoji/🧪👩‍🔬.bin",
                                       "e\xcc\x81 is not \xc3\xa9",
                                       "quote\"s and %25 + & = ?#;.txt",
                                       "<script>alert(1)</script>.html",
                                       std::string(255, 'n')};
  EXPECT_EQ(200,
            post("/api/repos/create", {{"name", "자료.v1"}, {"organization", "우리팀"}, {"type", "dataset"}}).status);
  const std::string repository = "/%EC%9A%B0%EB%A6%AC%ED%8C%80/%EC%9E%90%EB%A3%8C.v1";
  std::string lines = header("한국어 요약");
  for (const std::string& name : names) lines += file(name, name);
  ASSERT_EQ(200, commit(lines, "/api/datasets" + repository + "/commit/main").status);
  std::vector<std::string> found;
  for (const Json& entry : json("/api/datasets" + repository + "/tree/main?recursive=true"))
    if (entry["type"] == "file") found.push_back(entry["path"]);
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(names));
  for (const std::string& name : names) {
    std::string url = "/datasets" + repository + "/resolve/main/";
    for (const char c : name) {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
      url += code;
    }
    EXPECT_EQ(name, get(url).body);
  }
}

TEST_F(HubBusyTest, CommitsAtOnceAreOneAfterTheOther) {
  create();
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 4; ++writer)
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 10; ++i) {
        const std::string name = std::to_string(writer) + "/" + std::to_string(i);
        EXPECT_EQ(200, commit(header(name) + file(name, name) + file("shared", name)).status);
      }
    });
  writers.clear();
  EXPECT_EQ(41u, json("/api/datasets/team/talks/commits/main").size());
  EXPECT_EQ(41u, json("/api/datasets/team/talks")["siblings"].size());
}

TEST_F(HubBusyTest, ManyOperationsAreOneCommit) {
  create();
  const std::string oid = sha256_hex("one");
  committed(header() + file("seed", "one"));
  constexpr int kFiles = 100'000;
  std::string lines = header();
  for (int i = 0; i < kFiles; ++i)
    lines += line("lfsFile", {{"path", fmt::format("d{:03}/{:05}", i % 100, i)}, {"algo", "sha256"}, {"oid", oid}});
  const auto begin = std::chrono::steady_clock::now();
  committed(lines);
  RecordProperty("commit_ms",
                 static_cast<int>((std::chrono::steady_clock::now() - begin) / std::chrono::milliseconds(1)));
  const http::Response page = get("/api/datasets/team/talks/tree/main?recursive=true");
  EXPECT_EQ(1001u, http::json_of(page).size()) << "a folder and 1,000 files";
  EXPECT_EQ(101u, json("/api/datasets/team/talks/tree/main").size());
  EXPECT_EQ(50'001u, json("/api/datasets/team/talks")["siblings"].size());
  committed(header() + line("deletedFolder", {{"path", "d000"}}));
  EXPECT_EQ(404, get("/api/datasets/team/talks/tree/main/d000").status);
}

}  // namespace
}  // namespace maru::api::hub
