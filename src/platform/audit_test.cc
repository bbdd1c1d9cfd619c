#include "platform/audit.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "ledger/signing_keys.h"
#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using ledger::SignatureState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AuditTest : public TenantsTest {
 protected:
  void append(int count, const std::string& workspace = "local") {
    for (int i = 0; i < count; ++i)
      home_.write([&](Connection& c) {
        home_.audit().append(c, {.workspace = workspace,
                                 .actor = "key 가",
                                 .action = "key.create",
                                 .object = "k" + std::to_string(i),
                                 .details = {{"scopes", {"read"}}}});
      });
  }
  AuditReport verify(std::string_view expected = "") {
    return home_.read([&](Connection& c) { return verify_audit(c, keys_.trusted(), expected); });
  }
  /// What is found after a change of the tables, which is undone again.
  std::vector<std::string> after(const std::string& script) {
    std::vector<std::string> problems;
    try {
      home_.write([&](Connection& c) {
        c.execute(script);
        problems = verify_audit(c, keys_.trusted(), "").problems;
        throw Failure(ErrorCode::kCancelled, "undone");
      });
    } catch (const Failure& failure) {
      EXPECT_EQ(ErrorCode::kCancelled, failure.code()) << failure.what();
    }
    EXPECT_THAT(verify().problems, IsEmpty());
    return problems;
  }
  const ledger::SigningKeys keys_{root_ / "signing"};
};

TEST_F(AuditTest, AChainThatNobodyTouchedHolds) {
  EXPECT_EQ(0, verify().entries);
  EXPECT_THAT(verify().problems, IsEmpty());
  append(20);
  const std::vector<AuditEntry> entries = audit();
  EXPECT_EQ(20u, entries.size());
  EXPECT_EQ(std::string(64, '0'), entries[0].previous);
  EXPECT_EQ(entries[6].hash, entries[7].previous);
  const AuditReport report = verify(entries[3].hash);
  EXPECT_EQ(20, report.entries);
  EXPECT_EQ(entries.back().hash, report.head);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_TRUE(report.has_expected);
  EXPECT_FALSE(verify(std::string(64, '1')).has_expected);
  EXPECT_EQ(SignatureState::kUnsigned, report.signature.state);
}

TEST_F(AuditTest, EveryChangeIsSeen) {
  append(9);
  for (const char* column : {"at", "workspace", "actor", "action", "object", "details", "previous", "hash"})
    EXPECT_THAT(after("UPDATE audit SET " + std::string(column) + " = 'x' WHERE number = 4"), testing::Not(IsEmpty()))
        << column;
  EXPECT_THAT(after("DELETE FROM audit WHERE number = 4"), ElementsAre(HasSubstr("entries 4 to 4 are missing")));
  EXPECT_THAT(after("DELETE FROM audit WHERE number = 1"), ElementsAre(HasSubstr("entries 1 to 1 are missing")));
  EXPECT_THAT(after("DELETE FROM audit WHERE number = 4; UPDATE audit SET number = number - 1 WHERE number > 4"),
              testing::Not(IsEmpty()));
  EXPECT_THAT(after("DELETE FROM audit WHERE number > 7"), ElementsAre(HasSubstr("the last that is here is 7")));
  EXPECT_THAT(after("DELETE FROM audit"), ElementsAre(HasSubstr("the last that is here is 0")));
  EXPECT_THAT(after("DELETE FROM audit_head"), ElementsAre(HasSubstr("the head is missing")));
  EXPECT_THAT(after("UPDATE audit_head SET head = '{}'"), testing::Not(IsEmpty()));
  EXPECT_THAT(after("UPDATE audit SET number = 100 WHERE number = 9"), testing::Not(IsEmpty()));
}

TEST_F(AuditTest, ASignedHeadIsNobodyElsesToMake) {
  append(3);
  keys_.current_or_new();
  append(1);
  EXPECT_EQ(SignatureState::kTrusted, verify().signature.state);
  EXPECT_THAT(verify().problems, IsEmpty());
  // Whoever cuts the end off has a head for what is left only without the key.
  const AuditEntry third = audit()[2];
  EXPECT_THAT(after("DELETE FROM audit WHERE number = 4; UPDATE audit_head SET head = json_set(head, '$.number', 3, "
                    "'$.hash', '" +
                    third.hash + "')"),
              ElementsAre(HasSubstr("signature")));
  keys_.rotate();
  EXPECT_EQ(SignatureState::kTrusted, verify().signature.state) << "an earlier key's";
  append(1);
  fs::remove_all(root_ / "signing/public");
  EXPECT_EQ(SignatureState::kUnknownKey, verify().signature.state);
}

TEST_F(AuditTest, AnEntryAndItsActionAreOne) {
  Workspaces workspaces(home_);
  workspaces.create("a", "", "me");
  EXPECT_THROW(workspaces.create("a", "", "me"), Failure);
  EXPECT_THROW(home_.write([&](Connection& c) {
    home_.audit().append(c, {.workspace = "a", .actor = "me", .action = "x", .object = "y"});
    throw Failure(ErrorCode::kCancelled, "after all");
  }),
               Failure);
  EXPECT_EQ(1u, audit().size());
  fs::create_directories(root_ / "signing");
  write_file(root_ / "signing/key.pem", "no key");
  fs::permissions(root_ / "signing/key.pem", fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THROW(workspaces.create("b", "", "me"), Failure) << "what cannot be told of is not done";
  EXPECT_THROW(workspaces.find("b"), Failure);
}

TEST_F(AuditTest, AWorkspaceSeesItsOwnPartWithoutTheRest) {
  Workspaces workspaces(home_);
  for (const char* name : {"a", "b"}) workspaces.create(name, "", "me");
  append(3, "a");
  append(5, "b");
  append(1, "a");
  const std::vector<AuditEntry> entries = audit("a");
  ASSERT_EQ(5u, entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(static_cast<int64_t>(i) + 1, entries[i].number) << "how much others do is not told";
    EXPECT_EQ("", entries[i].hash + entries[i].previous);
  }
  const auto page = home_.read([](Connection& c) { return audit_entries(c, "a", 3, 1); });
  ASSERT_EQ(1u, page.size());
  EXPECT_EQ(4, page[0].number);
  EXPECT_EQ(4u, home_.read([](Connection& c) { return audit_entries(c, std::nullopt, 3, 4); }).size());
}

TEST_F(AuditTest, TwoProcessesMakeOneChain) {
  HomeDatabase(root_ / "platform").reach();
  const pid_t child = ::fork();
  if (child == 0) {
    HomeDatabase own(root_ / "platform");
    for (int i = 0; i < 50; ++i)
      own.write([&](Connection& c) { own.audit().append(c, {.actor = "child", .action = "x", .object = ""}); });
    ::_exit(0);
  }
  append(50);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(0, status);
  EXPECT_EQ(100, verify().entries);
  EXPECT_THAT(verify().problems, IsEmpty());
}

}  // namespace
}  // namespace maru::platform
