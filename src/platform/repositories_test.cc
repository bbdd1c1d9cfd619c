#include "platform/repositories.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <map>

#include "base/error.h"
#include "base/random.h"
#include "platform/schema.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RepositoriesTest : public testing::Test {
 protected:
  ~RepositoriesTest() override { fs::remove_all(root_); }
  Change put(const std::string& path, std::string_view bytes) {
    BlobWriter writer = blobs_.writer();
    writer.write(bytes);
    return {Change::Kind::kPut, path, writer.commit(), /*with_bytes=*/true};
  }
  static Change gone(const std::string& path, Change::Kind kind = Change::Kind::kDelete) {
    return {kind, path, {}, false};
  }
  Commit commit(std::vector<Change> changes) {
    return repositories_.commit(kName, {.summary = "s", .by = "me", .changes = std::move(changes)});
  }
  std::vector<std::string> paths(std::string_view revision = "main", const FileQuery& query = {}) {
    std::vector<std::string> all;
    for (const RepositoryFile& file : repositories_.files(kName, revision, query)) all.push_back(file.path);
    return all;
  }
  Error error_of(const std::function<void()>& f) const {
    try {
      f();
    } catch (const Failure& e) {
      return e.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  const RepositoryName kName{"datasets", "team", "talks"};
  const fs::path root_ = fs::temp_directory_path() / ("maru_repositories_" + std::to_string(::getpid()));
  Database database_{root_ / "platform.db", migrations()};
  BlobStore blobs_{root_ / "files"};
  const Audit audit_;
  Repositories repositories_{database_, blobs_, audit_};
};

TEST_F(RepositoriesTest, EveryCommitKeepsItsFiles) {
  repositories_.create(kName, "me");
  const Commit first = repositories_.revision(kName, "main");
  EXPECT_EQ(first.oid.size(), 40u);
  EXPECT_THAT(paths(), ElementsAre());
  const Commit one = commit({put("b.txt", "1"), put("a/가.txt", "2")});
  const Commit two = commit({put("b.txt", "3"), gone("a/가.txt"), put("c", "")});
  const Commit three = commit({put("a/x", "4"), put("a/y", "5")});
  const Commit four = commit({gone("a", Change::Kind::kDeleteFolder)});
  EXPECT_THAT(paths(first.oid), ElementsAre());
  EXPECT_THAT(paths(one.oid), ElementsAre("a/가.txt", "b.txt"));
  EXPECT_THAT(paths(two.oid), ElementsAre("b.txt", "c"));
  EXPECT_THAT(paths(three.oid), ElementsAre("a/x", "a/y", "b.txt", "c"));
  EXPECT_THAT(paths(four.oid), ElementsAre("b.txt", "c"));
  EXPECT_EQ(paths(), paths(four.oid));
  EXPECT_EQ(read_file(blobs_.path_of(repositories_.file(kName, one.oid, "b.txt").blob.sha256)), "1");
  EXPECT_EQ(read_file(blobs_.path_of(repositories_.file(kName, "main", "b.txt").blob.sha256)), "3");
  EXPECT_EQ(repositories_.commits(kName, "main", 0, 2).size(), 2u);
  EXPECT_EQ(repositories_.commits(kName, "main", 0, 2)[0].oid, four.oid);
  EXPECT_EQ(error_of([&] { repositories_.file(kName, "main", "a/x"); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { paths("nonsense"); }).code, ErrorCode::kNotFound);
}

TEST_F(RepositoriesTest, WhatChangesNothingIsNoCommit) {
  repositories_.create(kName, "me");
  const Commit one = commit({put("a", "1")});
  EXPECT_EQ(commit({put("a", "1")}).oid, one.oid);
  EXPECT_EQ(commit({}).oid, one.oid);
  EXPECT_NE(commit({put("a", "2")}).oid, one.oid);
}

TEST_F(RepositoriesTest, ACommitComesWholeOrNotAtAll) {
  repositories_.create(kName, "me");
  commit({put("a/b", "1")});
  const std::string last = repositories_.revision(kName, "main").oid;
  const std::pair<std::vector<Change>, ErrorCode> kCases[] = {
      {{put("x", "1"), gone("nowhere")}, ErrorCode::kNotFound},
      {{put("x", "1"), put("../y", "1")}, ErrorCode::kInvalidArgument},
      {{put("x", "1"), put("a", "1")}, ErrorCode::kInvalidArgument},
      {{put("x", "1"), put("a/b/c", "1")}, ErrorCode::kInvalidArgument},
      {{put("x", "1"), put("x/y", "1")}, ErrorCode::kInvalidArgument},
      {{put("x", "1"), {Change::Kind::kPut, "y", {std::string(64, '0'), 1}}}, ErrorCode::kUnavailable},
      {{put("x", "1"), {Change::Kind::kPut, "y", {put("z", "1").blob.sha256, 2}}}, ErrorCode::kUnavailable},
      {{put("x", "1"), {Change::Kind::kPut, "y", {"../../etc/passwd", 2}}}, ErrorCode::kUnavailable}};
  for (const auto& [changes, code] : kCases) {
    EXPECT_EQ(error_of([&] { commit(changes); }).code, code) << changes[1].path;
    EXPECT_THAT(paths(), ElementsAre("a/b"));
  }
  EXPECT_EQ(repositories_.revision(kName, "main").oid, last);
  EXPECT_NE(commit({gone("a/b"), put("a", "1")}).oid, last) << "a folder that goes may become a file";
  EXPECT_NE(commit({gone("a"), put("a/b", "1"), put("q", "1"), gone("q"), put("q/r", "1")}).oid, last);
  EXPECT_THAT(paths(), ElementsAre("a/b", "q/r"));
}

TEST_F(RepositoriesTest, OneOfTwoWhoBeganAtTheSameCommitIsTold) {
  repositories_.create(kName, "me");
  const std::string parent = repositories_.revision(kName, "main").oid;
  const auto next = [&](const std::string& path) {
    repositories_.commit(kName, {.by = "me", .parent = parent, .changes = {put(path, "1")}});
  };
  next("a");
  const Error error = error_of([&] { next("b"); });
  EXPECT_EQ(error.code, ErrorCode::kExists);
  EXPECT_THAT(error.message, HasSubstr("is not the last commit any more"));
}

TEST_F(RepositoriesTest, FoldersAreListedInPages) {
  repositories_.create(kName, "me");
  commit({put("a-b", "1"), put("a/x", "1"), put("a/y/z", "1"), put("a0", "1"), put("b/1", "1"), put("b/2", "1")});
  EXPECT_THAT(paths("main", {.recursive = false}), ElementsAre("a-b", "a", "a0", "b"));
  EXPECT_THAT(paths("main", {.folder = "a", .recursive = false}), ElementsAre("a/x", "a/y"));
  EXPECT_THAT(paths("main", {.folder = "a"}), ElementsAre("a/x", "a/y/z"));
  for (const bool recursive : {true, false})
    for (int64_t limit = 1; limit < 8; ++limit) {
      std::vector<std::string> all;
      FileQuery query{.recursive = recursive, .limit = limit};
      for (;;) {
        const auto page = repositories_.files(kName, "main", query);
        if (page.empty()) break;
        ASSERT_LE(static_cast<int64_t>(page.size()), limit);
        for (const RepositoryFile& file : page) all.push_back(file.path);
        query.after = page.back().path + (page.back().blob.sha256.empty() ? "/" : "");
      }
      EXPECT_EQ(all, paths("main", {.recursive = recursive})) << "pages of " << limit;
    }
}

TEST_F(RepositoriesTest, RepositoriesAreToldApartAndGoWhole) {
  const RepositoryName model{"models", "team", "talks"}, other{"datasets", "다른팀", "자료.v1"};
  for (const RepositoryName& name : {kName, model, other}) repositories_.create(name, "me");
  EXPECT_EQ(error_of([&] { repositories_.create(kName, "you"); }).message, "datasets team/talks: exists");
  EXPECT_EQ(repositories_.list("datasets", std::nullopt).size(), 2u);
  EXPECT_EQ(repositories_.list("datasets", "team").size(), 1u);
  commit({put("a", "mine")});
  repositories_.commit(model, {.by = "me", .changes = {put("a", "mine"), put("b", "its")}});
  EXPECT_THAT(paths(), ElementsAre("a"));
  repositories_.remove(model, "me");
  EXPECT_EQ(error_of([&] { repositories_.find(model); }).message, "models team/talks: there is no such repository");
  EXPECT_THAT(paths(), ElementsAre("a"));
  EXPECT_EQ(repositories_.collect(std::chrono::seconds(-10)), 1) << "what the other one holds, too, stays";
  EXPECT_TRUE(blobs_.find(repositories_.file(kName, "main", "a").blob.sha256));
  repositories_.create(model, "me");
  EXPECT_TRUE(repositories_.files(model, "main", {}).empty()) << "of the same name, not of the same files";
}

TEST_F(RepositoriesTest, BlobsAreKeptWithoutCommitsToo) {
  repositories_.create(kName, "me");
  const Blob kept = put("", "kept").blob, other = put("", "other").blob;
  repositories_.keep(kName, {kept, kept});
  EXPECT_TRUE(repositories_.holds(kName, kept.sha256));
  EXPECT_FALSE(repositories_.holds(kName, other.sha256));
  EXPECT_EQ(repositories_.collect(std::chrono::seconds(-10)), 1);
  EXPECT_TRUE(blobs_.find(kept.sha256));
  repositories_.remove(kName, "me");
  EXPECT_EQ(repositories_.collect(std::chrono::seconds(-10)), 1);
  EXPECT_EQ(error_of([&] { repositories_.keep(kName, {}); }).code, ErrorCode::kNotFound);
}

// Bytes are had by who brings them, not by who knows their hash.
TEST_F(RepositoriesTest, ABlobIsOfTheWorkspacesThatBroughtIt) {
  const RepositoryName other{"datasets", "others", "talks"};
  for (const RepositoryName& name : {kName, other}) repositories_.create(name, "me");
  Change change = put("a", "secret");
  const std::string oid = change.blob.sha256;
  commit({change});
  change.with_bytes = false;
  const auto refer = [&](const RepositoryName& name) {
    return error_of([&] { repositories_.commit(name, {.by = "you", .changes = {change}}); });
  };
  const Error hidden = refer(other);
  EXPECT_EQ(hidden.code, ErrorCode::kUnavailable);
  EXPECT_FALSE(repositories_.find_blob("others", oid));
  EXPECT_TRUE(repositories_.find_blob("team", oid));
  change.blob.sha256 = std::string(64, '0');
  EXPECT_EQ(refer(other).message.substr(0, 40), hidden.message.substr(0, 40)) << "as one that nobody has";
  change.blob.sha256 = oid;
  repositories_.bring("others", {oid, 6});
  EXPECT_TRUE(repositories_.find_blob("others", oid));
  EXPECT_EQ(refer(other).message, "no error");
  repositories_.bring("nobody", {oid, 6});
  EXPECT_FALSE(repositories_.find_blob("nobody", oid));
  repositories_.remove(other, "you");
  repositories_.collect(std::chrono::seconds(-10));
  EXPECT_FALSE(repositories_.find_blob("others", oid)) << "what was brought is forgotten with time";
  EXPECT_TRUE(repositories_.find_blob("team", oid)) << "what is held is not";
}

TEST_F(RepositoriesTest, AWorkspaceKeepsWhatItMay) {
  const RepositoryName second{"models", "team", "m"}, other{"datasets", "others", "talks"};
  for (const RepositoryName& name : {kName, second, other}) repositories_.create(name, "me");
  EXPECT_FALSE(repositories_.room("team"));
  database_.write([](Connection& c) { c.execute("INSERT INTO quotas VALUES ('team', '', 0, 0, 0, 0, 0, 10);"); });
  EXPECT_EQ(10, repositories_.room("team"));
  const Commit last = commit({put("a", "123456"), put("again", "123456")});
  EXPECT_EQ(4, repositories_.room("team")) << "each blob once";
  EXPECT_THAT(error_of([&] { commit({put("b", "12345")}); }).message,
              HasSubstr("your workspace may keep 10 bytes of files (storage_bytes): with these it would be 11"));
  EXPECT_EQ(repositories_.revision(kName, "main").oid, last.oid) << "nothing of it stays";
  repositories_.commit(second, {.by = "me", .changes = {put("a", "123456"), put("b", "12")}});
  EXPECT_EQ(2, repositories_.room("team"));
  const Blob brought = put("", "xyz").blob;
  EXPECT_EQ(error_of([&] { repositories_.bring("team", brought); }).code, ErrorCode::kExhausted);
  EXPECT_EQ(error_of([&] { repositories_.keep(kName, {brought}); }).code, ErrorCode::kExhausted);
  EXPECT_FALSE(repositories_.holds(kName, brought.sha256));
  repositories_.bring("others", brought);
  repositories_.commit(other, {.by = "me", .changes = {put("large", std::string(1000, 'x'))}});
  repositories_.remove(second, "me");
  EXPECT_EQ(4, repositories_.room("team"));
}

TEST_F(RepositoriesTest, ManyCommitsAreAsAMapWouldHaveThem) {
  repositories_.create(kName, "me");
  Random random(7);
  std::map<std::string, std::string> expected;
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> history;
  for (int round = 0; round < 60; ++round) {
    std::vector<Change> changes;
    for (uint64_t i = 1 + random.below(4); i-- > 0;) {
      const std::string path = "d" + std::to_string(random.below(3)) + "/" + std::to_string(random.below(5));
      if (expected.contains(path) && random.below(3) == 0) {
        changes.push_back(gone(path));
        expected.erase(path);
      } else {
        changes.push_back(put(path, expected[path] = std::to_string(random.below(4))));
      }
    }
    history.emplace_back(commit(changes).oid, expected);
  }
  for (const auto& [oid, files] : history) {
    std::map<std::string, std::string> found;
    for (const RepositoryFile& file : repositories_.files(kName, oid, {}))
      found[file.path] = read_file(blobs_.path_of(file.blob.sha256));
    EXPECT_EQ(found, files) << oid;
  }
}

TEST(RepositoryNames, AreThoseThatClientsAccept) {
  for (const char* right : {"a", "a-b", "v1.5_x", "말뭉치", "A0"}) EXPECT_TRUE(check_repository_name("n", right).ok());
  for (const char* wrong :
       {"", ".", "..", "a/b", "a--b", "a..b", "-a", "a-", "_a", "a.git", "a b", "a\\b", "a\nb", "\xff"})
    EXPECT_FALSE(check_repository_name("n", wrong).ok()) << wrong;
  EXPECT_FALSE(check_repository_name("n", std::string(97, 'a')).ok());
}

TEST(RepositoryNames, PathsLeadNowhereElse) {
  for (const char* right : {"a", "a/b", ".gitattributes", "가/나 다.jsonl", "a..b", "..."})
    EXPECT_TRUE(check_path(right).ok());
  for (const char* wrong : {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", ".git/config", "a/.git",
                            "a\\b", "a\nb", "a\x7f", "\xff", "\xc0\xaf"})
    EXPECT_FALSE(check_path(wrong).ok()) << wrong;
  EXPECT_FALSE(check_path(std::string("a\0b", 3)).ok());
  EXPECT_FALSE(check_path(std::string(256, 'a')).ok());
  std::string deep = "a";
  for (int i = 0; i < 64; ++i) deep += "/a";
  EXPECT_FALSE(check_path(deep).ok());
  EXPECT_TRUE(check_path(deep.substr(2)).ok());
}

}  // namespace
}  // namespace maru::platform
