// Verbs on the database of a home: keys, workspaces, the audit.
#include "cli/tenants.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/verbs.h"
#include "platform/key_file.h"

namespace maru::cli {
namespace {

using testing::HasSubstr;

class TenantVerbsTest : public testing::Test {
 protected:
  ~TenantVerbsTest() override { fs::remove_all(home_); }
  /// What `maru --json WORDS…` prints, or throws.
  Json run(const std::vector<std::string>& words) const {
    CLI::App app("", "maru");
    Session session;
    session.home = home_;
    session.json = session.quiet = true;
    app.require_subcommand(1);
    for (const AddVerb add : all_verbs()) add(app, session);
    std::vector<const char*> arguments{"maru"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    testing::internal::CaptureStdout();
    try {
      app.parse(static_cast<int>(arguments.size()), arguments.data());
    } catch (...) {
      said_ = testing::internal::GetCapturedStdout();
      throw;
    }
    return parse_json(testing::internal::GetCapturedStdout(), "answer").value();
  }
  std::string error_of(const std::vector<std::string>& words) const {
    try {
      run(words);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "no error";
  }
  Session session() const {
    Session session;
    session.home = home_;
    return session;
  }
  const fs::path home_ = fs::temp_directory_path() / ("maru_tenant_verbs_" + std::to_string(::getpid()));
  mutable std::string said_;  // before it failed
};

TEST_F(TenantVerbsTest, KeysAreOfTheHome) {
  EXPECT_EQ(0u, run({"keys", "list"}).size());
  EXPECT_FALSE(fs::exists(home_)) << "who only looks makes nothing";
  EXPECT_FALSE(home_has_keys(session()));
  const Json made = run({"keys", "create", "ci", "--scope", "*"});
  EXPECT_EQ("local", made["workspace"]);
  EXPECT_EQ(69u, made["key"].get<std::string>().size());
  EXPECT_TRUE(home_has_keys(session()));
  EXPECT_THAT(error_of({"keys", "create", "x", "--workspace", "lab"}), HasSubstr("workspace \"lab\": there is none"));
  run({"workspaces", "create", "lab", "--description", "speech"});
  run({"keys", "create", "x", "--tenant", "lab", "--requests-per-minute", "5"});
  EXPECT_THAT(error_of({"keys", "create", "y", "--tenant", "lab", "--workspace", "b"}), HasSubstr("older word"));
  EXPECT_EQ(2u, run({"keys", "list"}).size());
  const Json of_lab = run({"keys", "list", "--workspace", "lab"});
  ASSERT_EQ(1u, of_lab.size());
  EXPECT_EQ(5, of_lab[0]["requests_per_minute"]);
  EXPECT_NE(made["key"], run({"keys", "rotate", "ci", "--overlap-hours", "1"})["key"]);
  EXPECT_EQ(3u, run({"keys", "list"}).size());
  run({"keys", "revoke", "ci"});
  EXPECT_THAT(error_of({"keys", "revoke", "ci"}), HasSubstr("has no key \"ci\" in force"));
}

// A home from before it had a database: its file of keys is read, and changed by name alone.
TEST_F(TenantVerbsTest, AFileOfKeysStaysWhatItIs) {
  const std::string file = (home_ / "keys.json").string();
  run({"keys", "create", "old", "--file", file, "--tenant", "lab"});
  EXPECT_EQ("lab", platform::read_key_file(file).keys.at(0).tenant);
  EXPECT_EQ("old", run({"keys", "list"})[0]["name"]);
  EXPECT_THAT(error_of({"keys", "revoke", "old"}), HasSubstr("give it with --file"));
  EXPECT_FALSE(platform::read_key_file(file).keys.at(0).disabled);
  run({"keys", "revoke", "old", "--file", file});
  EXPECT_TRUE(platform::read_key_file(file).keys.at(0).disabled);
  EXPECT_THAT(error_of({"keys", "create", "p", "--file", file, "--project", "p"}), HasSubstr("not in a file"));
}

TEST_F(TenantVerbsTest, WorkspacesHaveTheirPeople) {
  run({"workspaces", "create", "연구실"});
  run({"workspaces", "add-project", "연구실", "talks"});
  run({"workspaces", "set-member", "연구실", "kim", "--kind", "user", "--role", "admin"});
  const Json shown = run({"workspaces", "show", "연구실"});
  EXPECT_EQ("talks", shown["projects"][0]["name"]);
  EXPECT_EQ("admin", shown["members"][0]["role"]);
  run({"workspaces", "remove-member", "연구실", "kim", "--kind", "user"});
  EXPECT_EQ(2u, run({"workspaces", "list"}).size());
  run({"workspaces", "delete", "연구실"});
  EXPECT_EQ(1u, run({"workspaces", "list"}).size());
  EXPECT_THAT(error_of({"workspaces", "create", "../x"}), HasSubstr("cannot be a name"));
}

TEST_F(TenantVerbsTest, TheAuditIsVerified) {
  EXPECT_THAT(error_of({"verify", "--audit"}), HasSubstr("there is no audit"));
  run({"workspaces", "create", "lab"});
  const Json report = run({"verify", "--audit"});
  EXPECT_EQ(1, report["entries"]);
  EXPECT_EQ("unsigned", report["signature"]["state"]);
  const std::string head = report["head"];
  run({"keys", "create", "ci"});
  EXPECT_EQ(3, run({"verify", "--audit", "--expect", head})["entries"]);
  EXPECT_THAT(error_of({"verify", "--audit", "--expect", std::string(64, '0')}), HasSubstr("no entry has the SHA-256"));
  EXPECT_THAT(error_of({"verify", "--audit", "--signed"}), HasSubstr("wants a trusted signature"));
  home_database(session())->write([](platform::Connection& c) { c.execute("DELETE FROM audit WHERE number = 2"); });
  EXPECT_THAT(error_of({"verify", "--audit"}), HasSubstr("entries 2 to 2 are missing"));
  EXPECT_THAT(said_, HasSubstr("\"ok\":false"));
  EXPECT_THAT(error_of({"verify"}), HasSubstr("give an artefact, or --audit"));
}

}  // namespace
}  // namespace maru::cli
