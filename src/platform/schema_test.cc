#include "platform/schema.h"

#include <gmock/gmock.h>

#include "platform/database.h"
#include "platform/repositories.h"
#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

/// From which version a home comes.
class SchemaTest : public TenantsTest, public testing::WithParamInterface<size_t> {};

// A home of an older version keeps its repositories, and what stood before the slash is a workspace.
TEST_P(SchemaTest, NamespacesBecomeWorkspaces) {
  {
    Database old(root_ / "platform/platform.db", migrations().first(GetParam()));
    old.write([](Connection& c) {
      c.execute(
          "INSERT INTO namespaces VALUES ('team', '2026-01-01T00:00:00Z', 'key a'), ('local', 'then', 'me');"
          "INSERT INTO repositories VALUES (7, 'datasets', 'team', 'talks', '2026-01-02T00:00:00Z', 'key a');"
          "INSERT INTO commits VALUES (7, 0, 'abc', 's', 'd', '2026-01-02T00:00:00Z', 'key a');"
          "INSERT INTO files VALUES (7, 'a', 0, NULL, '" +
          std::string(64, 'a') + "', 3);");
    });
  }
  const Workspace team = Workspaces(home_).find("team");
  EXPECT_EQ("2026-01-01T00:00:00Z", team.created_at);
  EXPECT_EQ("key a", team.created_by);
  EXPECT_EQ("then", Workspaces(home_).find("local").created_at) << "one that is there already stays";
  BlobStore blobs(root_ / "files");
  Repositories repositories(home_.reach(), blobs, home_.audit());
  EXPECT_EQ(7, repositories.find({"datasets", "team", "talks"}).id);
  EXPECT_EQ("a", repositories.file({"datasets", "team", "talks"}, "abc", "a").path);
  EXPECT_TRUE(fs::exists(root_ / "platform" / ("platform.db.before-v" + std::to_string(migrations().size()))));
  EXPECT_THROW(home_.write([](Connection& c) {
    c.execute("INSERT INTO repositories VALUES (8, 'datasets', 'nobody', 'x', '', '');");
  }),
               Failure)
      << "a repository is of a workspace that is there";
}

INSTANTIATE_TEST_SUITE_P(Versions, SchemaTest, testing::Values(1, 2));

}  // namespace
}  // namespace maru::platform
