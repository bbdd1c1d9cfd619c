#include "platform/workspaces.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "ledger/test_names.h"
#include "platform/keys.h"
#include "platform/repositories.h"
#include "platform/test_tenants.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WorkspacesTest : public TenantsTest {
 protected:
  std::vector<std::string> names(const std::string& after = "", int64_t limit = 1000) {
    std::vector<std::string> all;
    for (const Workspace& one : workspaces_.list({}, after, limit)) all.push_back(one.name);
    return all;
  }
  Workspaces workspaces_{home_};
};

TEST_F(WorkspacesTest, ComeAndGo) {
  EXPECT_THAT(names(), ElementsAre("local"));
  workspaces_.create("연구실", "말뭉치", "me");
  workspaces_.create("lab", "", "me");
  EXPECT_EQ("workspace lab: exists", error_of([&] { workspaces_.create("lab", "", "you"); }).message);
  EXPECT_EQ("말뭉치", workspaces_.find("연구실").description);
  EXPECT_THAT(names(), ElementsAre("lab", "local", "연구실"));
  EXPECT_THAT(names("lab", 1), ElementsAre("local"));
  EXPECT_THAT(workspaces_.list("lab", "", 10), testing::SizeIs(1));
  workspaces_.remove("lab", "me");
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { workspaces_.find("lab"); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { workspaces_.remove("lab", "me"); }).code);
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { workspaces_.remove("local", "me"); }).code);
  EXPECT_THAT(done(), ElementsAre("workspace.create 연구실", "workspace.create lab", "workspace.delete lab"));
}

TEST_F(WorkspacesTest, ProjectsAreWithinThem) {
  workspaces_.create("a", "", "me");
  workspaces_.create("b", "", "me");
  workspaces_.create_project("a", "p", "one", "me");
  workspaces_.create_project("b", "p", "other", "me");
  EXPECT_EQ("project p of workspace a: exists",
            error_of([&] { workspaces_.create_project("a", "p", "", "me"); }).message);
  EXPECT_EQ("one", workspaces_.projects("a", "", 10).at(0).description);
  Keys(home_).create("a", {.name = "k", .project = "p"}, operator_);
  EXPECT_THAT(error_of([&] { workspaces_.remove_project("a", "p", "me"); }).message, HasSubstr("the key k is of it"));
  Keys(home_).revoke("a", "k", operator_);
  workspaces_.remove_project("a", "p", "me");
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { workspaces_.remove_project("a", "p", "me"); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { workspaces_.create_project("c", "p", "", "me"); }).code);
  EXPECT_THAT(workspaces_.projects("b", "", 10), testing::SizeIs(1));
}

TEST_F(WorkspacesTest, OneWithRepositoriesStays) {
  BlobStore blobs(root_ / "files");
  Repositories repositories(home_.reach(), blobs, home_.audit());
  repositories.create({"models", "lab", "m"}, "me");
  EXPECT_THAT(error_of([&] { workspaces_.remove("lab", "me"); }).message, HasSubstr("delete them first"));
  repositories.remove({"models", "lab", "m"}, "me");
  workspaces_.remove("lab", "me");
  EXPECT_THAT(done("lab"),
              ElementsAre("repository.create models lab/m", "repository.delete models lab/m", "workspace.delete lab"));
}

// Who gets the name next must not find what was there.
TEST_F(WorkspacesTest, ANameThatComesAgainIsAnotherWorkspace) {
  workspaces_.create("lab", "", "me");
  workspaces_.create_project("lab", "p", "", "me");
  Keys(home_).create("lab", {.name = "k"}, operator_);
  workspaces_.remove("lab", "me");
  workspaces_.create("lab", "", "you");
  EXPECT_THAT(workspaces_.projects("lab", "", 10), testing::IsEmpty());
  EXPECT_THAT(Keys(home_).list("lab", "", 10), testing::IsEmpty());
  EXPECT_THAT(done("lab"), ElementsAre("workspace.create lab"));
  Keys(home_).create("lab", {.name = "k"}, operator_);
}

TEST_F(WorkspacesTest, NamesThatAreNoneAreRefused) {
  for (const ledger::NameCase& c : ledger::name_cases())
    if (c.why != nullptr) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { workspaces_.create(c.name, "", "me"); }).code) << c.why;
      EXPECT_EQ(ErrorCode::kInvalidArgument,
                error_of([&] { workspaces_.create_project("local", c.name, "", "me"); }).code);
    }
  for (const char* name : {"api", "datasets", "lfs", "a b", "key x", "a/b", "a..b", "-a", "x.git"})
    EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { workspaces_.create(name, "", "me"); }).code) << name;
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { workspaces_.create("x", std::string(2001, 'd'), "me"); }).code);
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { workspaces_.create("x", "\xff", "me"); }).code);
  for (const char* name : {"งาน", "मेरा", "工作区", "工作區", "مشروع", "Ωμέγα"}) workspaces_.create(name, "", "me");
  EXPECT_THAT(names(), testing::SizeIs(7));
}

TEST_F(WorkspacesTest, OfTwoProcessesOneMakesIt) {
  constexpr int kNames = 30;
  HomeDatabase(root_ / "platform").reach();
  const pid_t child = ::fork();
  const auto make = [&](HomeDatabase& home) {
    int made = 0;
    for (int i = 0; i < kNames; ++i)
      made += error_of([&] { Workspaces(home).create("w" + std::to_string(i), "", "me"); }).message == "no error";
    return made;
  };
  if (child == 0) {
    HomeDatabase own(root_ / "platform");
    ::_exit(make(own));
  }
  HomeDatabase own(root_ / "platform");
  const int mine = make(own);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(kNames, mine + WEXITSTATUS(status));
  EXPECT_EQ(kNames, static_cast<int>(done().size())) << "and each is told once";
}

}  // namespace
}  // namespace maru::platform
