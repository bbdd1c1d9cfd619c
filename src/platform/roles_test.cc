#include "platform/roles.h"

#include <gmock/gmock.h>

#include "base/request_failure.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;

TEST(Roles, EachCanDoWhatTheOneBelowCan) {
  EXPECT_THAT(scopes_of_role("viewer"), ElementsAre("read"));
  EXPECT_THAT(scopes_of_role("developer"), ElementsAre("inference", "read", "write"));
  EXPECT_THAT(scopes_of_role("admin"), ElementsAre("inference", "read", "write", "admin"));
  for (const char* none : {"", "Admin", "operator", "*"}) EXPECT_TRUE(scopes_of_role(none).empty()) << none;
  EXPECT_EQ("viewer", least_role_with({"read"}));
  EXPECT_EQ("developer", least_role_with({"inference", "read"}));
  EXPECT_EQ("admin", least_role_with({"admin"}));
  EXPECT_EQ("viewer", least_role_with({"read", "manage"}));
}

TEST(Roles, AKeyDoesWhatItsMemberMay) {
  EXPECT_THAT(scopes_within({"inference", "read", "admin"}, "viewer"), ElementsAre("read"));
  EXPECT_THAT(scopes_within({"write", "manage", "*"}, "viewer"), ElementsAre("manage", "*")) << "given by the operator";
}

TEST(Roles, NobodyGivesWhatTheyHaveNotGot) {
  const Principal admin{.tenant = "t", .key = "k", .scopes = {"read", "admin"}};
  EXPECT_NO_THROW(check_may_give(admin, {"read", "admin"}, "scopes"));
  for (const char* scope : {"write", "inference", "manage", "*"})
    EXPECT_THROW(check_may_give(admin, {"read", scope}, "scopes"), RequestFailure) << scope;
  const Principal loader{.tenant = "t", .key = "k", .scopes = {"manage"}};
  EXPECT_THROW(check_may_give(loader, {"manage"}, "scopes"), RequestFailure) << "who has it from the operator";
  EXPECT_NO_THROW(check_may_give(local_operator("me"), {"manage", "*", "admin"}, "scopes"));
}

}  // namespace
}  // namespace maru::platform
