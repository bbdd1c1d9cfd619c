#include "http/asker.h"

#include <gtest/gtest.h>

namespace maru::http {
namespace {

TEST(Asker, SeesItsOwnWorkspaceAndNoOther) {
  Request request;
  request.principal = Principal{.tenant = "team", .key = "team/ci", .scopes = {"read", "admin"}};
  EXPECT_EQ("team", only_workspace(request));
  EXPECT_TRUE(may_enter(request, "team"));
  EXPECT_FALSE(may_enter(request, "team2"));
  EXPECT_FALSE(may_enter(request, ""));
  EXPECT_EQ("team/ci", author_of(request));
}

TEST(Asker, WhoRunsTheServerSeesAll) {
  Request request;
  EXPECT_EQ("local", author_of(request));
  EXPECT_TRUE(may_enter(request, "team")) << "without keys";
  request.principal = Principal{.tenant = "team", .key = "root", .scopes = {"*"}};
  EXPECT_EQ(std::nullopt, only_workspace(request));
  EXPECT_TRUE(may_enter(request, "other"));
}

}  // namespace
}  // namespace maru::http
