#include "platform/keys.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

#include "base/hash.h"
#include "platform/members.h"
#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class KeysTest : public TenantsTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) Workspaces(home_).create(name, "", "me");
  }
  KeyInfo only(const std::string& workspace) {
    const std::vector<KeyInfo> all = keys_.list(workspace, "", 100);
    EXPECT_EQ(1u, all.size());
    return all.empty() ? KeyInfo{} : all[0];
  }
  std::string refused(const NewKey& wanted, const Principal& by) {
    const Error error = error_of([&] { keys_.create("a", wanted, by); });
    EXPECT_EQ(ErrorCode::kInvalidArgument, error.code) << error.message;
    return error.message;
  }
  /// Whether the database holds these bytes anywhere.
  bool is_in_files(const std::string& bytes) {
    for (const fs::path& file : list_files(root_))
      if (read_file(file).find(bytes) != std::string::npos) return true;
    return false;
  }
  Keys keys_{home_};
};

TEST_F(KeysTest, AreShownOnceAndKeptAsHashes) {
  const MadeKey made = keys_.create("a",
                                    {.name = "ci",
                                     .scopes = {"inference", "write"},
                                     .models = {"m"},
                                     .weight = 2,
                                     .requests_per_minute = 60,
                                     .expires = "2100-01-31"},
                                    operator_);
  EXPECT_EQ(5u + 64, made.key.size());
  EXPECT_TRUE(made.key.starts_with(made.info.prefix));
  EXPECT_EQ(13u, made.info.prefix.size());
  const KeyInfo kept = only("a");
  EXPECT_EQ(to_json(kept), to_json(made.info));
  EXPECT_EQ("2100-01-31T00:00:00Z", kept.expires);
  EXPECT_EQ("service", kept.kind);
  EXPECT_EQ("ci", kept.member);
  EXPECT_EQ("developer", Members(home_).list("a", "", 10).at(0).role);
  EXPECT_FALSE(is_in_files(made.key.substr(13)));
  EXPECT_TRUE(is_in_files(sha256_hex(made.key))) << "this is how one would be found";
  EXPECT_THAT(done("a"), ElementsAre("workspace.create a", "member.add service ci", "key.create ci"));
}

TEST_F(KeysTest, ANameIsTakenByTheOneInForce) {
  keys_.create("a", {.name = "k"}, operator_);
  EXPECT_EQ("workspace a: has a key called k already",
            error_of([&] { keys_.create("a", {.name = "k"}, operator_); }).message);
  keys_.create("b", {.name = "k"}, operator_);
  keys_.revoke("a", "k", operator_);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { keys_.revoke("a", "k", operator_); }).code);
  keys_.create("a", {.name = "k"}, operator_);
  EXPECT_EQ(2u, keys_.list("a", "", 10).size()) << "the one that was revoked is told of yet";
  EXPECT_EQ(3u, keys_.list({}, "", 10).size());
  const std::string first = keys_.list("a", "", 1).at(0).id;
  EXPECT_NE(first, keys_.list("a", first, 1).at(0).id);
}

TEST_F(KeysTest, NobodyGivesMoreThanTheyHave) {
  Principal admin = key("a", {"read", "admin"});
  EXPECT_THAT(refused({.name = "k", .scopes = {"write"}}, admin), HasSubstr("nobody gives what they have not got"));
  EXPECT_THAT(refused({.name = "k", .scopes = {"*"}}, admin), HasSubstr("by the operator"));
  EXPECT_THAT(refused({.name = "k", .scopes = {"read"}, .weight = 5}, admin), HasSubstr("weight: expected at most 1"));
  admin.models = {"small"};
  admin.limits = {.requests_per_minute = 10, .tokens_per_minute = 100, .parallel_choices = 2};
  NewKey wanted{.name = "k",
                .scopes = {"read"},
                .models = {"small"},
                .requests_per_minute = 10,
                .tokens_per_minute = 100,
                .parallel_choices = 2};
  NewKey more = wanted;
  more.models = {};
  EXPECT_THAT(refused(more, admin), HasSubstr("models: your own key may ask some models only"));
  more.models = {"small", "large"};
  EXPECT_THAT(refused(more, admin), HasSubstr("may not ask \"large\""));
  more = wanted, more.requests_per_minute = 0;
  EXPECT_THAT(refused(more, admin), HasSubstr("requests_per_minute: expected 1 to 10"));
  more = wanted, more.tokens_per_minute = 101;
  EXPECT_THAT(refused(more, admin), HasSubstr("tokens_per_minute"));
  more = wanted, more.parallel_choices = 3;
  EXPECT_THAT(refused(more, admin), HasSubstr("parallel_choices"));
  keys_.create("a", wanted, admin);
  keys_.create("a", {.name = "all", .scopes = {"*", "manage"}}, operator_);
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { keys_.rotate("a", "all", std::chrono::hours(1), admin); }).code)
      << "a new key of rights that one has not got";
}

TEST_F(KeysTest, WhoHoldsItMustBeAllowedWhatItIsToDo) {
  Members(home_).set("a", "user", "kim", "viewer", operator_);
  EXPECT_THAT(refused({.name = "k", .kind = "user", .member = "kim", .scopes = {"write"}}, operator_),
              HasSubstr("user kim is viewer of workspace a, whose keys may do read"));
  EXPECT_EQ(ErrorCode::kNotFound,
            error_of([&] { keys_.create("a", {.name = "k", .kind = "user", .member = "lee"}, operator_); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { keys_.create("a", {.name = "k", .project = "p"}, operator_); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { keys_.create("c", {.name = "k"}, operator_); }).code);
  keys_.create("a", {.name = "k", .kind = "user", .member = "kim", .scopes = {"read"}}, operator_);
}

TEST_F(KeysTest, WhatIsNoneIsRefused) {
  for (const char* name : {"", "..", "a/b", "a\nb", "\xff"}) refused({.name = name}, operator_);
  EXPECT_THAT(refused({.name = "k", .scopes = {}}, operator_), HasSubstr("scopes: expected at least one"));
  EXPECT_THAT(refused({.name = "k", .expires = "tomorrow"}, operator_), HasSubstr("expires"));
  EXPECT_THAT(refused({.name = "k", .kind = "robot"}, operator_), HasSubstr("kind"));
  EXPECT_TRUE(keys_.list("a", "", 10).empty());
}

TEST_F(KeysTest, ARotatedOneEndsAfterAWhile) {
  const MadeKey old = keys_.create("a", {.name = "k", .scopes = {"read"}, .tokens_per_minute = 5}, operator_);
  const MadeKey next = keys_.rotate("a", "k", std::chrono::hours(1), operator_);
  EXPECT_NE(old.key, next.key);
  EXPECT_EQ(5, next.info.tokens_per_minute);
  EXPECT_TRUE(next.info.expires.empty());
  const MadeKey third = keys_.rotate("a", "k", std::chrono::seconds(0), operator_);
  for (const KeyInfo& key : keys_.list("a", "", 10)) {
    EXPECT_EQ(key.id == third.info.id, key.current);
    EXPECT_EQ(key.id == third.info.id, key.expires.empty());
  }
  keys_.revoke("a", "k", operator_);
  for (const KeyInfo& key : keys_.list("a", "", 10)) EXPECT_FALSE(key.revoked_at.empty()) << "the older ones, too";
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { keys_.rotate("a", "k", std::chrono::hours(1), operator_); }).code);
  keys_.create("b", {.name = "k", .expires = "2030-01-01"}, operator_);
  keys_.rotate("b", "k", std::chrono::hours(24 * 365), operator_);
  for (const KeyInfo& key : keys_.list("b", "", 10)) EXPECT_LE(key.expires, "2030-01-01T00:00:00Z") << "never longer";
  EXPECT_EQ(ErrorCode::kInvalidArgument,
            error_of([&] { keys_.rotate("b", "k", std::chrono::hours(24 * 366), operator_); }).code);
}

// Killed at any moment, a key that was shown is there, and one that is there is told of in the audit.
TEST_F(KeysTest, KilledAtAnyMoment) {
  for (int round = 0; round < 6; ++round) {
    int shown[2];
    ASSERT_EQ(::pipe(shown), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      HomeDatabase own(root_ / "platform");
      for (int i = 0;; ++i) {
        const MadeKey made =
            Keys(own).create("a", {.name = std::to_string(round) + "." + std::to_string(i)}, operator_);
        if (::write(shown[1], made.info.id.data(), made.info.id.size()) < 0) ::_exit(1);
      }
    }
    ::close(shown[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(15 + 9 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string told(1 << 16, '\0');
    told.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(shown[0], told.data(), told.size()))));
    ::close(shown[0]);
    std::set<std::string> there;
    for (const KeyInfo& key : keys_.list("a", "", 100'000)) there.insert(key.id);
    for (size_t i = 0; i < told.size(); i += 24) EXPECT_TRUE(there.contains(told.substr(i, 24)));
    EXPECT_EQ(there.size(), static_cast<size_t>(std::ranges::count_if(
                                audit("a"), [](const AuditEntry& e) { return e.event.action == "key.create"; })));
  }
  const AuditReport report = home_.read([](Connection& c) { return verify_audit(c, {}, ""); });
  EXPECT_THAT(report.problems, testing::IsEmpty());
}

}  // namespace
}  // namespace maru::platform
