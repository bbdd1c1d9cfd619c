#include "platform/secrets.h"

#include <gmock/gmock.h>

#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SecretsTest : public TenantsTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) Workspaces(home_).create(name, "", "me");
  }
  bool is_in_files(const std::string& bytes) {
    for (const fs::path& file : list_files(root_))
      if (read_file(file).find(bytes) != std::string::npos) return true;
    return false;
  }
  const fs::path key_ = root_ / "platform/secrets.key";
  Secrets secrets_{home_};
};

TEST_F(SecretsTest, AreKeptSealedAndReadByName) {
  EXPECT_FALSE(fs::exists(key_));
  secrets_.create("a", "hub", "hf_verysecretvalue", "to fetch with", "me");
  secrets_.create("b", "hub", "another", "", "me");
  EXPECT_EQ("hf_verysecretvalue", secrets_.value("a", "hub", "you"));
  EXPECT_EQ("another", secrets_.value("b", "hub", "you"));
  EXPECT_FALSE(is_in_files("verysecretvalue"));
  EXPECT_EQ(fs::perms::owner_read | fs::perms::owner_write, fs::status(key_).permissions());
  EXPECT_EQ(2, secrets_.rotate("a", "hub", "next", "me").version);
  EXPECT_EQ("next", secrets_.value("a", "hub", "you"));
  const SecretInfo told = secrets_.list("a", "", 10).at(0);
  EXPECT_EQ("to fetch with", told.description);
  EXPECT_EQ(2, told.version);
  secrets_.remove("a", "hub", "me");
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { secrets_.value("a", "hub", "you"); }).code);
  EXPECT_THAT(done("a"), ElementsAre("workspace.create a", "secret.create hub", "secret.read hub", "secret.rotate hub",
                                     "secret.read hub", "secret.delete hub"));
}

// Whoever can write the database cannot have a server read one workspace's secret to another.
TEST_F(SecretsTest, NoneStandsInAnothersPlace) {
  secrets_.create("a", "one", "of a", "", "me");
  secrets_.create("b", "one", "of b", "", "me");
  secrets_.create("b", "two", "also of b", "", "me");
  const auto taken = [&](const std::string& from) {
    execute("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE " + from +
            ") WHERE workspace = 'b' AND name = 'one'");
    return error_of([&] { secrets_.value("b", "one", "you"); });
  };
  EXPECT_EQ(ErrorCode::kDataLoss, taken("workspace = 'a'").code);
  EXPECT_EQ(ErrorCode::kDataLoss, taken("name = 'two'").code);
  execute("UPDATE secrets SET sealed = 'nonsense' WHERE workspace = 'a'");
  EXPECT_EQ(ErrorCode::kDataLoss, error_of([&] { secrets_.value("a", "one", "you"); }).code);
  EXPECT_THAT(done("a"), ElementsAre("workspace.create a", "secret.create one")) << "nothing was read";
}

TEST_F(SecretsTest, WithoutTheirKeyNothingIsReadAndNoOtherIsMade) {
  secrets_.create("a", "one", "value", "", "me");
  const std::string key = read_file(key_);
  fs::remove(key_);
  for (const auto& f : std::vector<std::function<void()>>{[&] { secrets_.value("a", "one", "you"); },
                                                          [&] { secrets_.create("a", "two", "value", "", "me"); },
                                                          [&] { secrets_.rotate("a", "one", "value", "me"); }})
    EXPECT_EQ(ErrorCode::kUnavailable, error_of(f).code);
  EXPECT_FALSE(fs::exists(key_));
  const auto put = [&](const std::string& text, fs::perms perms) {
    write_file(key_, text);
    fs::permissions(key_, perms);
    return error_of([&] { secrets_.value("a", "one", "you"); });
  };
  const fs::perms mine = fs::perms::owner_read | fs::perms::owner_write;
  EXPECT_THAT(put(std::string(64, '0'), mine).message, HasSubstr("sealed with another key"));
  EXPECT_THAT(put("short", mine).message, HasSubstr("expected 64 hexadecimal digits"));
  EXPECT_THAT(put(key, mine | fs::perms::group_read).message, HasSubstr("others than its owner"));
  EXPECT_EQ("no error", put(key, mine).message);
  Secrets elsewhere(home_, root_ / "mounted/key");
  EXPECT_EQ(ErrorCode::kUnavailable, error_of([&] { elsewhere.value("a", "one", "you"); }).code);
}

TEST_F(SecretsTest, WhatIsNoneIsRefused) {
  for (const char* name : {"", "..", "a/b", "a b", "a\nb", "\xff"})
    EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { secrets_.create("a", name, "v", "", "me"); }).code) << name;
  for (const std::string& value : {std::string(), std::string((64 << 10) + 1, 'x')})
    EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { secrets_.create("a", "n", value, "", "me"); }).code);
  const std::string odd("a\0\xff\n", 4);
  secrets_.create("a", "n", odd, "", "me");
  EXPECT_EQ(odd, secrets_.value("a", "n", "you")) << "a value is bytes";
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { secrets_.create("a", "n", "v", "", "me"); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { secrets_.create("c", "n", "v", "", "me"); }).code);
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { secrets_.remove("a", "m", "me"); }).code);
}

}  // namespace
}  // namespace maru::platform
