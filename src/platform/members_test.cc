#include "platform/members.h"

#include <gmock/gmock.h>

#include "base/request_failure.h"
#include "platform/keys.h"
#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;

class MembersTest : public TenantsTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) Workspaces(home_).create(name, "", "me");
  }
  std::vector<std::string> in(const std::string& workspace) {
    std::vector<std::string> all;
    for (const Member& one : members_.list(workspace, "", 100))
      all.push_back(one.kind + " " + one.name + " " + one.role);
    return all;
  }
  Members members_{home_};
};

TEST_F(MembersTest, ComeChangeAndGo) {
  members_.set("a", "user", "kim@lab.kr", "viewer", operator_);
  members_.set("a", "service", "ci", "developer", operator_);
  members_.set("b", "user", "kim@lab.kr", "admin", operator_);
  members_.set("a", "user", "kim@lab.kr", "developer", operator_);
  EXPECT_EQ((std::vector<std::string>{"service ci developer", "user kim@lab.kr developer"}), in("a"));
  EXPECT_EQ((std::vector<std::string>{"user kim@lab.kr admin"}), in("b"));
  members_.remove("a", "user", "kim@lab.kr", operator_);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { members_.remove("a", "user", "kim@lab.kr", operator_); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { members_.set("c", "user", "x", "viewer", operator_); }).code);
  EXPECT_EQ((std::vector<std::string>{"user kim@lab.kr admin"}), in("b")) << "who goes here stays there";
  EXPECT_THAT(done("a"),
              testing::ElementsAre("workspace.create a", "member.add user kim@lab.kr", "member.add service ci",
                                   "member.role user kim@lab.kr", "member.remove user kim@lab.kr"));
}

TEST_F(MembersTest, NobodyRaisesThemselves) {
  const Principal reader = key("a", {"read", "admin"});
  EXPECT_THAT(error_of([&] { members_.set("a", "service", "me", "admin", reader); }).message,
              HasSubstr("nobody gives what they have not got"));
  EXPECT_EQ("no error", error_of([&] { members_.set("a", "service", "me", "viewer", reader); }).message);
  members_.set("a", "service", "boss", "admin", operator_);
  EXPECT_EQ(ErrorCode::kInvalidArgument,
            error_of([&] { members_.set("a", "service", "boss", "viewer", reader); }).code);
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { members_.remove("a", "service", "boss", reader); }).code);
}

TEST_F(MembersTest, WhatIsNoneIsRefused) {
  for (const char* role : {"", "owner", "*", "Viewer"})
    EXPECT_THAT(error_of([&] { members_.set("a", "user", "x", role, operator_); }).message,
                HasSubstr("role: expected"));
  EXPECT_THAT(error_of([&] { members_.set("a", "robot", "x", "viewer", operator_); }).message,
              HasSubstr("kind: expected"));
  for (const char* name : {"", "..", "a/b", "a\nb", "\xff"})
    EXPECT_EQ(ErrorCode::kInvalidArgument,
              error_of([&] { members_.set("a", "user", name, "viewer", operator_); }).code);
}

}  // namespace
}  // namespace maru::platform
