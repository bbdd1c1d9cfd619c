#include "ledger/signing_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/json.h"
#include "ledger/signed_json.h"

namespace maru::ledger {
namespace {

class SigningKeysTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root_); }
  const fs::path root_ = fs::temp_directory_path() / ("maru_signing_" + std::to_string(::getpid()));
  const SigningKeys keys_{root_ / "signing"};
};

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(0, ::stat(path.c_str(), &info));
  return info.st_mode & 0777;
}

TEST_F(SigningKeysTest, AreMadeWhenTheyAreAskedForAndStay) {
  EXPECT_FALSE(keys_.current());
  EXPECT_TRUE(keys_.trusted().empty());
  EXPECT_FALSE(fs::exists(root_)) << "looking makes nothing";
  const Ed25519Key key = keys_.current_or_new();
  EXPECT_EQ(key.pem(), keys_.current_or_new().pem());
  EXPECT_EQ(std::vector{key.public_key()}, keys_.trusted());
  EXPECT_EQ(0600u, mode_of(keys_.private_file()));
  EXPECT_EQ(key.public_key(), read_public_key(keys_.public_file(key.public_key())));
}

TEST_F(SigningKeysTest, OfSeveralAtOnceOneIsMade) {
  std::vector<std::string> made(8);
  std::vector<std::thread> threads;
  for (std::string& pem : made)
    threads.emplace_back([&] {
      for (int i = 0; i < 100 && pem.empty(); ++i) try {
          pem = keys_.current_or_new().pem();
        } catch (const Failure& e) {
          EXPECT_EQ(ErrorCode::kExists, e.code()) << "held by another for longer than the lock waits";
        }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& pem : made) EXPECT_EQ(made[0], pem);
  EXPECT_EQ(1u, keys_.trusted().size());
}

TEST_F(SigningKeysTest, AnEarlierKeyIsTrustedAndGone) {
  const Ed25519Key first = keys_.current_or_new();
  const Ed25519Key second = keys_.rotate();
  EXPECT_NE(first.pem(), second.pem());
  EXPECT_EQ(second.pem(), keys_.current()->pem());
  EXPECT_EQ(0600u, mode_of(keys_.private_file()));
  const auto state = [&](const Ed25519Key& key) {
    return check_signature(signed_json({{"a", 1}}, key), keys_.trusted()).state;
  };
  EXPECT_EQ(SignatureState::kTrusted, state(first));
  EXPECT_EQ(SignatureState::kTrusted, state(second));
  fs::remove(keys_.public_file(first.public_key()));
  EXPECT_EQ(SignatureState::kUnknownKey, state(first));
}

TEST_F(SigningKeysTest, OthersCanBeTrusted) {
  const Ed25519Key other = Ed25519Key::generate();
  fs::create_directories(root_);
  write_file(root_ / "other.pem", other.public_key().pem());
  EXPECT_EQ(other.public_key(), keys_.trust(root_ / "other.pem"));
  EXPECT_EQ(std::vector{other.public_key()}, keys_.trusted());
  EXPECT_FALSE(keys_.current()) << "trusting signs nothing";
  write_file(root_ / "other.pem", other.pem());
  EXPECT_THROW(keys_.trust(root_ / "other.pem"), Failure) << "a private key is none to hand around";
  EXPECT_THROW(keys_.trust(root_ / "missing.pem"), Failure);
}

TEST_F(SigningKeysTest, AKeyThatOthersMayReadIsNotUsed) {
  keys_.current_or_new();
  for (const mode_t mode : {0640u, 0604u, 0660u}) {
    ::chmod(keys_.private_file().c_str(), mode);
    EXPECT_THROW(keys_.current(), Failure) << mode;
    EXPECT_THROW(keys_.current_or_new(), Failure) << "and none is made in its place";
  }
  ::chmod(keys_.private_file().c_str(), 0400);
  EXPECT_TRUE(keys_.current());
}

TEST_F(SigningKeysTest, ADamagedKeyIsNamedAndNotReplaced) {
  const Ed25519Key key = keys_.current_or_new();
  ::chmod(keys_.private_file().c_str(), 0600);
  write_file(keys_.private_file(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  ::chmod(keys_.private_file().c_str(), 0600);
  try {
    keys_.current_or_new();
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr(keys_.private_file().string()));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("AAAA")));
  }
  fs::remove(keys_.private_file());
  fs::create_symlink(root_ / "nowhere", keys_.private_file());
  EXPECT_THROW(keys_.current_or_new(), Failure) << "a link to nothing is no free place";
  write_file(keys_.public_file(key.public_key()), "x");
  EXPECT_THROW(keys_.trusted(), Failure);
}

}  // namespace
}  // namespace maru::ledger
